"""Drop rows whose tool calls would not run, or that a chat template or a provider would not take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.tool_calls import Asked, asked, asked_in, schemas
from langdistill.groups import Group
from langdistill.records import Example, Message

NOWHERE: Registry[Any] = Registry()
"""A schema may refer to what is in itself and to nothing else: no schema is ever fetched."""


@dataclass(frozen=True)
class ToolCallsValid(RowFilter):
    """See `tool_calls_valid`."""

    def judge(self, row: Example, group: Group) -> Judgement:
        """The order and the ids of the whole row, then each call of the target against its schema."""
        return disorder(row) or self._calls(row)

    def _calls(self, row: Example) -> Judgement:
        calls = list(asked_in(row.target))
        if not calls:
            return Judgement(True, "no-calls")
        for call in calls:
            if call.parsed is None:
                return _bad(call, "they are no JSON object")
        if not row.tools:
            return Judgement(None, "no-schemas")
        offered = schemas(row.tools)
        unsure: Judgement | None = None
        for call in calls:
            if call.name not in offered:
                return Judgement(False, "unknown-tool", evidence={"tool": call.name, "offered": sorted(offered)})
            found = against(call, offered[call.name])
            if found and found.keep is False:
                return found
            unsure = unsure or found
        return unsure or Judgement(True, "valid", evidence={"calls": len(calls)})


def tool_calls_valid() -> ToolCallsValid:
    """Keep rows whose tool calls are whole, fit the schemas that were offered, and come with their results in order.

    | reason | what is wrong |
    |---|---|
    | "missing-id", "doubled-id" | a call has no id, or that of an earlier one |
    | "orphan-result" | a tool message answers no call of the assistant's last turn, or one that was answered already |
    | "unanswered-call" | the conversation goes on, or a run ends, before a call was answered |
    | "bad-arguments" | the arguments are no JSON object, or do not fit the tool's JSON schema |
    | "unknown-tool" | the target calls a tool that was not offered |
    | "no-schemas" | cannot judge: the target calls tools, and none that were offered were recorded |
    | "bad-schema" | cannot judge: a schema is itself none, or refers to what is not in it |

    Ids and order are those of the whole row, names and arguments those of the target, which is what the student learns. The
    calls of a target of one message may be open, for it is the student's turn that ends there. A tool that answered with an error
    is no fault of the call. Evidence names the place of a misfit and its rule, never a value.
    """
    return ToolCallsValid()


def disorder(row: Example) -> Judgement | None:
    """What is wrong with the ids and the order of a row's calls and results; `None` where nothing is."""
    seen: set[str] = set()
    waiting: dict[str, str | None] = {}
    for message in (*row.messages, *row.target):
        if message["role"] == "tool":
            id = message.get("tool_call_id")
            if id not in waiting:
                return Judgement(False, "orphan-result", evidence={"id": id})
            del waiting[id]
            continue
        if waiting:
            return _unanswered(waiting)
        if message["role"] == "assistant":
            if wrong := _wrong_ids(message, seen):
                return wrong
            waiting = {call.id: call.name for call in asked(message) if call.id}
            seen |= waiting.keys()
    return _unanswered(waiting) if waiting and len(row.target) != 1 else None


def against(call: Asked, schema: Mapping[str, Any]) -> Judgement | None:
    """What is wrong with a call's arguments by a JSON schema; `None` where nothing is."""
    arguments = call.parsed
    if arguments is None:
        return _bad(call, "they are no JSON object")
    try:
        misfit = best_match(_validator(schema).iter_errors(arguments))
    except (SchemaError, Unresolvable, RecursionError, TypeError, ValueError, AttributeError) as error:
        return Judgement(None, "bad-schema", evidence={"tool": call.name, "error": type(error).__name__})
    return _bad(call, f"{misfit.json_path}: {misfit.validator}") if isinstance(misfit, ValidationError) else None


def _validator(schema: Mapping[str, Any]) -> Validator:
    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(dict(schema))
    return kind(schema, registry=NOWHERE)


def _wrong_ids(message: Message, seen: set[str]) -> Judgement | None:
    mine: set[str] = set()
    for call in asked(message):
        if not call.id:
            return Judgement(False, "missing-id", evidence={"tool": call.name})
        if call.id in seen | mine:
            return Judgement(False, "doubled-id", evidence={"id": call.id})
        mine.add(call.id)
    return None


def _unanswered(waiting: Mapping[str, str | None]) -> Judgement:
    return Judgement(False, "unanswered-call", evidence={"tools": list(waiting.values())})


def _bad(call: Asked, what: str) -> Judgement:
    return Judgement(False, "bad-arguments", evidence={"tool": call.name, "arguments": what})
