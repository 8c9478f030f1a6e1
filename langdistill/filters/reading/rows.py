"""The texts of a row, where they stand, and the run that it was taken from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from langdistill.groups import Group
from langdistill.records import Call, Example, Message, Reply, Trace, text_of

THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL | re.IGNORECASE)


def run_of(row: Example, group: Group) -> Trace | None:
    """The run that the row is from, `None` where its trace is not at hand."""
    runs = (trace for some in (group.originals, *group.variants.values()) for trace in some)
    return next((trace for trace in runs if trace.id == row.trace), None)


def call_of(row: Example, run: Trace | None) -> Call | None:
    """The model call that the target is the reply of, where it is one."""
    if run is None or row.call is None:
        return None
    return next((call for call in run.calls if call.id == row.call), None)


def learnt(row: Example) -> list[Message]:
    """The messages of the target that the student learns to say."""
    return [message for message in row.target if message["role"] == "assistant"]


def answer_of(row: Example) -> str:
    """The last text that the student learns to say, without a thought that is written before it; "" where there is none."""
    texts = [text for message in learnt(row) if (text := text_of(message))]
    return THOUGHT.sub("", texts[-1]) if texts else ""


def questions_of(row: Example) -> str:
    """What the user says in the prompt, all turns."""
    said = (text_of(message) for message in row.messages if message["role"] == "user")
    return "\n".join(text for text in said if text)


def replies_of(row: Example, run: Trace) -> list[Reply]:
    """The recorded replies that became a message of the target, told by what they say."""
    call = call_of(row, run)
    said = [_said(message) for message in learnt(row)]
    return [
        reply
        for one in ([call] if call else run.calls)
        for reply in one.replies
        if (call and len(call.replies) == 1) or _said(reply.message) in said
    ]


def places(row: Example) -> Iterator[tuple[str, Any]]:
    """Everything that a format may write of the row, piece by piece, each with the name of its place: "target[0]"."""
    some: list[tuple[str, Sequence[Any]]] = [
        ("messages", row.messages),
        ("target", row.target),
        ("tools", row.tools),
        ("rejected", row.rejected or ()),
        ("steps", row.steps or ()),
    ]
    for name, pieces in some:
        for at, piece in enumerate(pieces):
            yield f"{name}[{at}]", piece
    for name, text in (("privileged", row.privileged), ("reasoning", row.reasoning), ("answer", row.answer)):
        if text:
            yield name, text


def _said(message: Message) -> tuple[str, str]:
    """What a message says, without its thinking; the ids of its tool calls are part of it."""
    calls = [(call.get("id"), call.get("function")) for call in message.get("tool_calls") or ()]
    return (text_of(message) or "").strip(), str(calls)
