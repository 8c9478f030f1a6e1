"""Runs of ReAct (Yao et al., 2210.03629) in triples: an object of the question to a list of `{"thought", "action", "observation"}`.

A thought is what the model says, its action the call of a tool with one argument, `input`; the observation is the result. What
`Finish[...]` was given is the answer. The reward that the environment tells at the end is feedback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Feedback, Message, Trace
from langdistill.stores.foreign.actions import ARGUMENT, finished, read_action
from langdistill.stores.foreign.chats import calls_of, tool_runs_of
from langdistill.stores.foreign.documents import Document, documents, read_rows, rows
from langdistill.stores.foreign.expected import Unreadable, a_list, an_object, kind
from langdistill.stores.foreign.made import Ids, filled, left_out, trace_of
from langdistill.stores.importing import Unmapped

SOURCE = "react"
STEP = ("thought", "action", "observation")
PREFIX = "Question: "
REWARD = re.compile(r"\s*Episode finished, reward = (\d+(?:\.\d+)?|True|False)\s*")


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The runs of a file of JSON lines, of a JSON object or list, or of such files in a folder."""
    return read_rows(documents(path), _questions, partial(_run, ids=Ids(SOURCE)))


def _questions(document: Document) -> Iterator[Document]:
    """Every question of the document, as a pair with its steps."""
    for row in rows(document):
        if not isinstance(row.value, dict) or not row.value:
            yield row
            continue
        for at, pair in enumerate(row.value.items(), 1):
            yield Document(f"{row.where}, question {at}" if len(row.value) > 1 else row.where, pair)


def _run(row: Document, ids: Ids) -> Iterator[Trace | Unmapped]:
    if not isinstance(row.value, tuple):
        raise Unreadable("no-run", f"The row is {kind(row.value)}; expected is an object of a question to its steps.")
    asked, told = row.value
    question = asked.removeprefix(PREFIX).strip()
    if not question:
        raise Unreadable("no-query", "The key of the steps, which is the question, is empty.")
    steps = [_step(step, at) for at, step in enumerate(a_list(told, "What the question leads to"), 1)]
    if not steps:
        raise Unreadable("no-reply", "The question has no steps.")
    yield _trace(row.where, ids.of([asked, told]), question, steps)
    yield from left_out(row.where, "no-place", {f"{key} of a step" for step in told for key in filled(step, *STEP)})
    if odd := sum(step.called is None for step in steps):
        yield Unmapped(where=row.where, reason="no-tool-call", detail=f"{odd} actions that are no `tool[argument]`.")


@dataclass(frozen=True)
class Step:
    """One step of a run."""

    said: str
    """The thought; and the action, where it is no call of a tool."""
    called: tuple[str, str] | None
    """Tool and argument."""
    seen: str | None


def _step(raw: Any, at: int) -> Step:
    told = an_object(raw, "A step")
    for key in STEP:
        if not isinstance(told.get(key), (str, type(None))):
            raise Unreadable("wrong-type", f"Step {at}: {key} is {kind(told[key])}, and a text was expected.")
    thought, action, seen = (told.get(key) for key in STEP)
    called = read_action(action or "")
    said = "\n".join(text for text in (thought, None if called else action) if text)
    if not said and not called:
        raise Unreadable("no-reply", f"Step {at} has neither a thought nor an action.")
    return Step(said, called, seen)


def _turn(step: Step, identity: str) -> Iterator[Message]:
    """What the model says and does in one step, and what it sees of it."""
    said: Message = {"role": "assistant", "content": step.said or None}
    seen: Message = {"role": "user", "content": step.seen}
    if step.called:
        function = {"name": step.called[0], "arguments": json.dumps({ARGUMENT: step.called[1]}, ensure_ascii=False)}
        said["tool_calls"] = [{"id": identity, "type": "function", "function": function}]
        seen = {"role": "tool", "content": step.seen, "tool_call_id": identity}
    yield said
    if step.seen is not None:
        yield seen


def _trace(where: str, identity: str, question: str, steps: list[Step]) -> Trace | Unmapped:
    asked: Message = {"role": "user", "content": question}
    messages = [asked, *(message for at, step in enumerate(steps, 1) for message in _turn(step, f"step-{at}"))]
    calls = calls_of(messages, identity)
    runs, _ = tool_runs_of(messages, identity, list(calls))
    rewards = [found[1] for step in steps if step.seen and (found := REWARD.fullmatch(step.seen))]
    return trace_of(
        where,
        id=identity,
        source=SOURCE,
        name=SOURCE,
        input=messages[:1],
        output=messages[1:],
        calls=list(calls.values()),
        tool_runs=runs,
        answer=finished(step.called for step in steps if step.called),
        feedback=[Feedback(name="reward", score=float(json.loads(told.lower()))) for told in rewards[-1:]],
    )
