"""A trace as a row of nested columns, and back as it was.

What has a fixed shape is columns that any tool can read; what has none is JSON text. Times are shown as timestamps of a microsecond,
and once more, exactly, in `clock`. The few things that no column holds as they are (half a surrogate pair, a number of more than
64 bits) are in `exactly`: the value at each of their places.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from langdistill.records import Call, Feedback, Message, Reply, Search, Step, Thought, ToolRun, Trace
from langdistill.stores.numbered import exactly

TEXTS = (
    "id",
    "source",
    "name",
    "strategy",
    "thread",
    "user",
    "continues",
    "outcome",
    "error",
    "answer",
    "consent",
    "licence",
)
LARGEST = 2**63 - 1
"""Integer of a column."""
Place = tuple[str | int, ...]
"""Names of fields and numbers of list entries, from the trace."""


def row_of(trace: Trace) -> dict[str, Any]:
    """The trace as a row; see `parquet.py` for its columns."""
    row = {name: _text(getattr(trace, name)) for name in TEXTS} | {
        "version": trace.version,
        "problem": _text(trace.problem),
        **_times(trace, "started", "ended", "expires"),
        "seconds": max(0.0, trace.ended - trace.started),
        "input_tokens": _whole(sum(call.usage.input_tokens for call in trace.calls)),
        "output_tokens": _whole(trace.output_tokens),
        "input": [_message(one) for one in trace.input],
        "earlier": _whole(trace.earlier),
        "output": [_message(one) for one in trace.output],
        "steps": [_step(step) for step in trace.steps],
        "calls": [_call(call) for call in trace.calls],
        "tool_runs": [_tool_run(run) for run in trace.tool_runs],
        "interrupts": [{"id": _text(one.id), "value": _json(one.value), "path": _text(one.path)} for one in trace.interrupts],
        "resume": _json(trace.resume),
        "handoffs": [{"source": _text(one.source), "target": _text(one.target)} for one in trace.handoffs],
        "searches": [_search(one) for one in trace.searches],
        "feedback": [_feedback(one) for one in trace.feedback],
        "tags": [_text(tag) for tag in trace.tags],
        "metadata": _json(trace.metadata),
        "versions": _json(trace.versions),
        "lost": _whole(trace.lost),
        "clock": list(_clock(trace)),
    }  # fmt: skip
    whole = json.loads(_json(trace.model_dump()))
    missed = [[list(place), value] for place, value in _missed(fields_of(row), whole)]
    return row | {"exactly": json.dumps(missed) if missed else None}


def trace_of(row: Mapping[str, Any]) -> Trace:
    """The trace of a row, as it was.

    Raises:
        ValueError: the row was changed, so that it is no trace any more.
    """
    fields = fields_of(row)
    for place, value in json.loads(row["exactly"] or "[]"):
        inside: Any = fields
        for step in place[:-1]:
            inside = inside[step]
        inside[place[-1]] = value
    return Trace.model_validate(fields)


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the trace, as far as the columns tell them."""
    clock = iter(row["clock"])
    fields: dict[str, Any] = {name: row[name] for name in (*TEXTS, "version", "earlier", "tags", "lost")}
    fields |= _clocked(clock, "started", "ended", "expires")
    fields |= {name: [_message_of(one) for one in row[name]] for name in ("input", "output")}
    fields |= {name: json.loads(row[name]) for name in ("resume", "metadata", "versions")}
    fields["steps"] = [one | _clocked(clock, "started", "ended") for one in row["steps"]]
    fields["calls"] = [_call_of(one, clock) for one in row["calls"]]
    fields["tool_runs"] = [_tool_run_of(one, clock) for one in row["tool_runs"]]
    fields["interrupts"] = [one | {"value": json.loads(one["value"])} for one in row["interrupts"]]
    fields["handoffs"] = [dict(one) for one in row["handoffs"]]
    fields["searches"] = [dict(one) for one in row["searches"]]
    fields["feedback"] = [one | _clocked(clock, "at") for one in row["feedback"]]
    return fields


def _step(step: Step) -> dict[str, Any]:
    return _plain(step, "name", "path", "parent", "agent", "branch", "attempt", "outcome", "error") | _times(
        step, "started", "ended"
    )


def _call(call: Call) -> dict[str, Any]:
    names = (
        "id",
        "step",
        "parent",
        "path",
        "node",
        "branch",
        "strategy",
        "candidate",
        "refinement",
        "hint",
        "retries",
        "cached",
        "model",
        "provider",
        "error",
    )
    return _plain(call, *names) | {
        **{name: _whole(value) for name, value in call.usage.model_dump().items()},
        **_times(call, "started", "first_token", "ended"),
        "params": _json(call.params),
        "tools": _json(call.tools),
        "prompt": [_message(one) for one in call.prompt],
        "replies": [_reply(one) for one in call.replies],
    }


def _call_of(told: Mapping[str, Any], clock: Iterator[float | None]) -> dict[str, Any]:
    call: dict[str, Any] = dict(told) | _clocked(clock, "started", "first_token", "ended")
    usage = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
    return call | {
        "usage": {name: call.pop(name) for name in usage},
        "params": json.loads(call["params"]),
        "tools": json.loads(call["tools"]),
        "prompt": [_message_of(one) for one in call["prompt"]],
        "replies": [_reply_of(one) for one in call["replies"]],
    }


def _reply(reply: Reply) -> dict[str, Any]:
    logprobs = None if reply.logprobs is None else _json(reply.logprobs)
    return _plain(reply, "finish_reason", "partial") | {"message": _message(reply.message), "logprobs": logprobs}


def _reply_of(told: Mapping[str, Any]) -> dict[str, Any]:
    logprobs = None if told["logprobs"] is None else json.loads(told["logprobs"])
    return dict(told) | {"message": _message_of(told["message"]), "logprobs": logprobs}


def _tool_run(run: ToolRun) -> dict[str, Any]:
    return _plain(run, "id", "name", "step", "path", "call", "tool_call_id", "error") | {
        **_times(run, "started", "ended"),
        "arguments": _json(run.arguments),
        "output": _json(run.output),
    }


def _tool_run_of(told: Mapping[str, Any], clock: Iterator[float | None]) -> dict[str, Any]:
    values = {name: json.loads(told[name]) for name in ("arguments", "output")}
    return dict(told) | values | _clocked(clock, "started", "ended")


def _search(search: Search) -> dict[str, Any]:
    thoughts = [_plain(one, *Thought.model_fields) for one in search.thoughts]
    return _plain(search, "step", "chosen") | {"thoughts": thoughts}


def _feedback(feedback: Feedback) -> dict[str, Any]:
    return _plain(feedback, "name", "score", "comment") | _times(feedback, "at")


def _message(message: Message) -> dict[str, Any]:
    """Content that is blocks, and tool calls, as JSON text."""
    told: dict[str, Any] = {
        key: _text(value) if value is None or isinstance(value, str) else _json(value) for key, value in message.items()
    }
    return told | {"blocks": isinstance(message["content"], list)}


def _message_of(told: Mapping[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {
        key: value for key, value in told.items() if key != "blocks" and (value is not None or key == "content")
    }
    if told["blocks"]:
        message["content"] = json.loads(message["content"])
    if "tool_calls" in message:
        message["tool_calls"] = json.loads(message["tool_calls"])
    return message


def _plain(record: Any, *names: str) -> dict[str, Any]:
    """Fields of a record as columns hold them."""
    values = {name: getattr(record, name) for name in names}
    return {
        name: _text(value) if isinstance(value, str) else _whole(value) if type(value) is int else value
        for name, value in values.items()
    }


def _text(text: str | None) -> str | None:
    """Without lone surrogates, which no UTF-8 holds: they are spelt out."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _whole(number: int) -> int:
    return max(-LARGEST, min(number, LARGEST))


def _json(value: Any) -> str:
    return json.dumps(value, default=str)


def _times(record: Any, *names: str) -> dict[str, int | None]:
    """Microseconds since the epoch; what is no time becomes null."""
    found: dict[str, int | None] = {}
    for name in names:
        seconds = getattr(record, name)
        found[name] = round(seconds * 1e6) if seconds is not None and abs(seconds) < 9e12 else None
    return found


def _clock(trace: Trace) -> Iterator[float | None]:
    """Every time of the trace in seconds, in the order in which `fields_of` asks for them."""
    yield from (trace.started, trace.ended, trace.expires)
    for step in trace.steps:
        yield from (step.started, step.ended)
    for call in trace.calls:
        yield from (call.started, call.first_token, call.ended)
    for run in trace.tool_runs:
        yield from (run.started, run.ended)
    for said in trace.feedback:
        yield said.at


def _clocked(clock: Iterator[float | None], *names: str) -> dict[str, float | None]:
    return {name: next(clock) for name in names}


def _missed(told: Any, whole: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """The places at which a value told is another one than that of the whole, and the value there."""
    if isinstance(told, dict) and isinstance(whole, dict) and told.keys() == whole.keys():
        for key, value in whole.items():
            yield from _missed(told[key], value, (*place, key))
    elif isinstance(told, list) and isinstance(whole, list) and len(told) == len(whole):
        for at, value in enumerate(whole):
            yield from _missed(told[at], value, (*place, at))
    elif exactly(told) != exactly(whole):
        yield place, whole
