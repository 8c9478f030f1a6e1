"""How a target makes a row of what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from langdistill.answers.thinking import thought_and_said
from langdistill.groups import Group
from langdistill.records import Example, Message, Trace

THINKING = {"reasoning", "thinking", "redacted_thinking"}
"""Kinds of blocks that hold a model's thinking, in LangChain's, Anthropic's or OpenAI's words."""


def row_of(
    group: Group,
    messages: Sequence[Message],
    target: Sequence[Message],
    traces: Sequence[Trace],
    **fields: Any,
) -> Example:
    """A row with what it must carry of the runs that it was made of.

    Args:
        group: its problem.
        messages: the prompt; thinking in earlier turns is left out, for a row never shows a model's own.
        target: what the student must say.
        traces: the runs that went into it, that of the question first; at least one.
        **fields: further fields of `Example`.
    """
    first = traces[0]
    return Example(
        messages=without_thinking(messages),
        target=list(target),
        problem=group.problem,
        seed=group.seed,
        trace=first.id,
        traces=sorted({trace.id for trace in traces}),
        at=max(trace.started for trace in traces),
        hint_used=hinted(traces, fields.get("call")),
        consent=_joined(trace.consent for trace in traces),
        licence=_joined(trace.licence for trace in traces),
        **fields,
    )


def in_order(rows: Iterable[Example]) -> tuple[Example, ...]:
    """The rows in the order of what they say, whichever runs they are from."""
    return tuple(sorted(rows, key=lambda row: (row.content, row.trace, row.call or "")))


def everything(group: Group) -> list[Trace]:
    """Every trace of a problem, one of the original question first: what a vote over it was made of."""
    return [*group.originals, *(trace for some in group.variants.values() for trace in some)]


def without_thinking(messages: Iterable[Message]) -> list[Message]:
    """The messages without the reasoning of the model that said them, in a field of its own or between tags in the text."""
    return [_without_thinking(one) if one["role"] == "assistant" else one for one in messages]


def _without_thinking(message: Message) -> Message:
    said = {key: value for key, value in message.items() if key != "reasoning_content"}
    content: Any = message["content"]
    if isinstance(content, str):
        said["content"] = thought_and_said(content)[1]
    elif isinstance(content, list):
        said["content"] = [_said(block) for block in cast("list[Any]", content) if not _is_thinking(block)]
    return cast("Message", said)


def _said(block: Any) -> Any:
    """A block of a message without the thinking between tags."""
    text = block.get("text") if isinstance(block, dict) else None
    return {**block, "text": thought_and_said(text)[1]} if isinstance(text, str) else block


def _is_thinking(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in THINKING


def hinted(traces: Iterable[Trace], call: str | None = None) -> bool:
    """Whether the gold answer was told in a call; in any of the traces, where it is not known which call said the target."""
    calls = [one for trace in traces for one in trace.calls]
    asked = [one for one in calls if one.id == call] or calls
    return any(one.hint is not None for one in asked)


def no_question(group: Group) -> str | None:
    """Why a problem has not the one question that a row could ask; `None` where it has."""
    if group.questions == 1:
        return None
    return "mixed-questions" if group.questions else "no-question"


def _joined(terms: Iterable[str | None]) -> str | None:
    """Terms that differ are all told: who uses the row must heed each of them."""
    found = set(terms)
    if found == {None}:
        return None
    return "; ".join(sorted(term or "unknown" for term in found))
