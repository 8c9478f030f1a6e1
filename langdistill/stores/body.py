"""A trace as bytes, with every message stored once.

The prompts of an agent's successive calls share all but their last messages, and the same tools are offered every time. So the
distinct messages, tool lists and parameters stand in tables and are referred to by their number, a prompt is told as "as in call
k, the first n, then these", and records of one kind are told as columns, without those in which nothing but defaults would
stand. The whole is JSON, compressed. Feedback and expiry are not in it: they change after the trace was kept.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any, cast

from pydantic import ValidationError

from langdistill.errors import StoreError
from langdistill.records import TRACE_VERSION, Call, Handoff, Interrupt, Record, Search, Step, ToolRun, Trace
from langdistill.stores.numbered import Messages, Prefixes, Table, exactly

VERSION = 2
"""Of this encoding. Version 1 was the JSON of the whole trace."""
LEVEL = 6
"""Of zlib: beside level 1 it saves 12 to 20 per cent of the bytes for a millisecond or so (`benchmarks/stores.py`)."""

APART = {"feedback", "expires"}
LISTS: dict[str, type[Record]] = {
    "steps": Step,
    "calls": Call,
    "tool_runs": ToolRun,
    "interrupts": Interrupt,
    "handoffs": Handoff,
    "searches": Search,
}


def to_json(value: Any) -> bytes:
    """JSON that holds every text and number of Python, so also NaN, lone surrogates and integers of any size."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def from_json(data: bytes) -> Any:
    """What `to_json` was given."""
    return json.loads(data.decode("utf-8", "surrogatepass"))


def encode(trace: Trace, level: int = LEVEL) -> bytes:
    """The trace as bytes, without its feedback and its expiry.

    Args:
        trace: any trace of JSON values.
        level: of zlib; 0 compresses nothing.

    Raises:
        StoreError: it holds something that JSON has no form for.
    """
    try:
        return zlib.compress(to_json(_Writer().told(trace)), level)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"Trace {trace.id!r} cannot be stored: {error}. Give its metadata, arguments and outputs as JSON values."
        ) from error


def decode(data: bytes) -> Trace:
    """The trace of these bytes, of this or an older version.

    Raises:
        StoreError: they are damaged, or of a newer version.
    """
    try:
        told = from_json(data if data[:1] == b"{" else zlib.decompress(data))
        version = told.pop("body", 1)
        if version > VERSION:
            raise StoreError(f"It is encoded as version {version}, and {VERSION} is known here. Update langdistill.")
        return Trace.model_validate(upgraded(told) if version == 1 else _Reader(told).trace())
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise StoreError(f"It is damaged, or was written by another version: {reason}.") from error


def upgraded(told: dict[str, Any]) -> dict[str, Any]:
    """The JSON of a whole trace, as the records are today.

    Version 1, which its traces do not tell, said `interrupted: true`, and nothing of how else a run stopped.
    """
    if told.get("version", 1) != 1:
        return told
    interrupted = told.pop("interrupted", False)
    outcome = "interrupted" if interrupted else "failed" if told.get("error") else "ended"
    return told | {"version": TRACE_VERSION, "outcome": outcome}


def _arguments(messages: Sequence[Any], asked: Sequence[int]) -> Any:
    """The arguments of a tool call as data; `None` where they are none."""
    number, at = asked
    try:
        return json.loads(messages[number]["tool_calls"][at]["function"]["arguments"])
    except (LookupError, TypeError, ValueError):
        return None


class _Writer:
    def __init__(self) -> None:
        self.messages = Messages()
        self.tools, self.params = Table(), Table()
        self.shared = Prefixes()

    def told(self, trace: Trace) -> dict[str, Any]:
        """The trace as values of JSON."""
        said = {
            name: _plain(value)
            for name, value in _differing(trace).items()
            if name not in APART and name not in LISTS and name not in ("input", "output")
        }
        said |= {"version": trace.version, "body": VERSION}
        calls = [self._call(call) for call in trace.calls]
        for name in ("input", "output"):
            if numbers := [self.messages.number(one) for one in getattr(trace, name)]:
                said[name] = numbers
        records = {
            "calls": calls,  # every message is in its table by now
            "tool_runs": [self._tool_run(run) for run in trace.tool_runs],
            "searches": [_search(one) for one in trace.searches],
            **{name: [_differing(one) for one in getattr(trace, name)] for name in ("steps", "interrupts", "handoffs")},
        }
        said |= {name: _columns(rows) for name, rows in records.items() if rows}
        tables = {"messages": self.messages, "tool_lists": self.tools, "param_sets": self.params}
        return said | {name: table.values for name, table in tables.items() if table.values}

    def _call(self, call: Call) -> dict[str, Any]:
        said = _differing(call)
        prompt = self.shared.told([self.messages.number(one) for one in call.prompt])
        said["prompt"] = prompt
        for name, table in (("tools", self.tools), ("params", self.params)):
            if name in said:
                said[name] = table.number(said[name])
        if call.replies:
            said["replies"] = [
                _differing(reply) | {"message": self.messages.number(reply.message)} for reply in call.replies
            ]
        if "usage" in said:
            said["usage"] = _differing(call.usage)
        return said

    def _tool_run(self, run: ToolRun) -> dict[str, Any]:
        """A tool run; its output is mostly a message, and its arguments those of the tool call that asked for it."""
        said = _differing(run)
        if isinstance(run.output, dict) and (number := self.messages.find(run.output)) is not None:
            del said["output"]
            said["said"] = number
        asked = self._asked.get(run.tool_call_id)
        if asked and exactly(_arguments(self.messages.values, asked)) == exactly(run.arguments):
            said.pop("arguments", None)
            said["asked"] = asked
        return said

    @cached_property
    def _asked(self) -> dict[Any, tuple[int, int]]:
        """Id of a tool call to the message that it is in, and which of the calls there it is."""
        return {
            call["id"]: (number, at)
            for number, message in enumerate(self.messages.values)
            if isinstance(message, dict)
            for at, call in enumerate(cast("list[Any]", message.get("tool_calls") or []))
            if isinstance(call.get("id"), str)
        }


class _Reader:
    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._messages: list[Any] = []
        for one in told.pop("messages", []):
            self._messages.append(self._messages[one[0]] | {"name": one[1]} if isinstance(one, list) else one)
        self._tools, self._params = told.pop("tool_lists", []), told.pop("param_sets", [])
        self._prompts: list[list[Any]] = []

    def trace(self) -> dict[str, Any]:
        """The fields of the trace."""
        said = self._told
        for name in ("input", "output"):
            if name in said:
                said[name] = [self._messages[number] for number in said[name]]
        for name in LISTS.keys() & said.keys():
            said[name] = _rows(said[name])
        said["calls"] = [self._call(call) for call in said.get("calls", [])]
        for one in said.get("searches", []):
            one["thoughts"] = _rows(one["thoughts"])
        for run in said.get("tool_runs", []):
            if "said" in run:
                run["output"] = self._messages[run.pop("said")]
            if "asked" in run:
                run["arguments"] = _arguments(self._messages, run.pop("asked"))
        return said

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        like, same, *others = call["prompt"]
        begun = self._prompts[like][:same] if same else []
        call["prompt"] = begun + [self._messages[number] for number in others]
        self._prompts.append(call["prompt"])
        for name, table in (("tools", self._tools), ("params", self._params)):
            if name in call:
                call[name] = table[call[name]]
        for reply in call.get("replies", []):
            reply["message"] = self._messages[reply["message"]]
        return call


@cache
def _defaults(record: type[Record]) -> dict[str, Any]:
    """Field to its default; to something that no value equals where it has none."""
    return {
        name: object() if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in record.model_fields.items()
    }


def _differing(record: Record) -> dict[str, Any]:
    """The fields that are not at their default, as they are."""
    defaults = _defaults(type(record))
    return {name: value for name, default in defaults.items() if (value := getattr(record, name)) != default}


def _search(search: Search) -> dict[str, Any]:
    return _differing(search) | {"thoughts": _columns([_differing(one) for one in search.thoughts])}


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return _differing(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Records of one kind, field by field. A field that some of them leave at its default is told by row number."""
    names = dict.fromkeys(name for row in rows for name in row)
    told: dict[str, Any] = {"": len(rows)}
    for name in names:
        held = [at for at, row in enumerate(rows) if name in row]
        values = [rows[at][name] for at in held]
        told[name] = [values] if len(held) == len(rows) else [values, held]
    return told


def _rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in range(told.pop(""))]
    for name, (values, *held) in told.items():
        for at, value in zip(*held or [range(len(rows))], values, strict=True):
            rows[at][name] = value
    return rows
