"""A root and the spans below it as a trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from langdistill.records import Call, Interrupt, Message, Outcome, Step, ToolRun, Trace
from langdistill.stores.foreign.conversations import conversation, said_at_the_end
from langdistill.stores.foreign.losses import Losses, is_empty
from langdistill.stores.foreign.trees import Span, Tree, flat
from langdistill.stores.foreign.values import first, mapping, parsed, sequence, text_of

OUTCOMES: tuple[tuple[re.Pattern[str], Outcome], ...] = (
    (re.compile(r"^\W*(GraphInterrupt|NodeInterrupt|Interrupt)\b"), "interrupted"),
    (re.compile(r"^\W*ParentCommand\b"), "handed-off"),
    (re.compile(r"^\W*(asyncio\.)?(CancelledError|GeneratorExit)\b"), "cancelled"),
)
"""What stops a run and is no failure, by the exception that it travels as."""
OWN_KEYS = re.compile(
    r"^(langgraph_|ls_|lc_|checkpoint_|LANGSMITH_|__|(thread|session|conversation|user|run)_id$|usage_metadata$|candidate$|refinement$|answer_hint$|strategy$)"
)
"""Metadata that the libraries put there themselves, or that has a field of its own."""
THREAD = ("thread_id", "session_id", "conversation_id")
TASK_ID = re.compile(r":[^|]*")
INDEX = re.compile(r"[0-9]{1,9}")


def stopped(started: float | None, ended: float | None, error: str | None) -> dict[str, Any]:
    """When and how a run began and stopped, as fields of a step. One without an end is lost: its process died."""
    outcome: Outcome = "failed" if error is not None else "ended" if ended is not None else "lost"
    for pattern, other in OUTCOMES:
        if error is not None and pattern.match(error):
            outcome = other
    begun = started or 0.0
    kept = error if outcome in ("failed", "cancelled") else None
    return {"started": begun, "ended": begun if ended is None else ended, "outcome": outcome, "error": kept}


def broken_off(started: float | None, ended: float | None, error: str | None) -> dict[str, Any]:
    """The same as fields of a call or the run of a tool, whose error says it."""
    told = stopped(started, ended, error)
    outcome = told.pop("outcome")
    return told | {"error": outcome if outcome in ("cancelled", "lost") else told["error"]}


def place(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Path and branch of a run of LangGraph, from the metadata that it gives to each."""
    parts = str(metadata.get("langgraph_checkpoint_ns") or "").split("|")
    names = [name for part in parts if (name := TASK_ID.sub("", part)) and not name.isdigit()]
    pushed = sequence(parsed(metadata.get("langgraph_path")))
    index = str(pushed[1]) if len(pushed) > 1 and pushed[0] == "__pregel_push" else ""
    branch = int(index) if INDEX.fullmatch(index) else None
    return {"path": "/".join(name for name, _ in groupby(names)), "branch": branch}


def role_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a call that the metadata tells: its node, and what it was for, where langdistill's own graphs were recorded."""
    return {
        "node": text_of(metadata.get("langgraph_node")),
        "strategy": text_of(metadata.get("strategy")),
        "candidate": metadata.get("candidate") is True,
        "refinement": metadata.get("refinement") is True,
        "hint": text_of(metadata.get("answer_hint")),
    }


def told_by(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a trace that the metadata of its root tells."""
    return {
        "thread": text_of(first(metadata, THREAD)),
        "user": text_of(metadata.get("user_id")),
        "strategy": text_of(metadata.get("strategy")),
        "consent": text_of(metadata.get("consent")),
        "licence": text_of(metadata.get("licence")),
        "metadata": {key: value for key, value in metadata.items() if not OWN_KEYS.match(key)},
    }


def own(metadata: Mapping[str, Any], inherited: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a run that its root does not have, and that has no field of its own."""
    return {key: one for key, one in metadata.items() if not OWN_KEYS.match(key) and inherited.get(key) != one}


def trace_of(
    id: str, spans: Iterable[Span], losses: Losses, record: Mapping[str, Any] | None = None, **told: Any
) -> Trace:
    """The trace of the spans of one root.

    Args:
        id: of the trace.
        spans: all of it, in the order of the file.
        losses: of the trace.
        record: name, input, output and start of the root, where something else than a span tells them.
        told: further fields of the trace.
    """
    tree = Tree(losses)
    for span in spans:
        tree.add(span)
    tree.free()
    _tell_values(tree)
    places = flat(tree)
    lists = {"steps": places.steps, "calls": places.calls, "tool_runs": places.tools}
    return Trace(id=id, **lists, **_root(tree, places.calls, record or {}, losses), **told)


def _tell_values(tree: Tree) -> None:
    root = tree.root
    steps = [span for span in tree.spans.values() if isinstance(span.record, Step) and span is not root]
    holding = [span for span in steps if not (is_empty(span.input) and is_empty(span.output))]
    if holding:
        tree.losses.tell(
            "step-values", f"A trace keeps the input and output of its root; {len(holding)} steps have some, too."
        )


def _root(tree: Tree, calls: Sequence[Call], record: Mapping[str, Any], losses: Losses) -> dict[str, Any]:
    """What the root tells of the whole: a record of its own, or else the span at the top.

    Where neither says what it was given, it is what its first call was asked; where neither says what it ended with, and it
    did not fail, it is what its last call replied.
    """
    tops = tree.tops or [Span("", None, losses, "", Step(name="", started=record.get("started") or 0.0))]
    ended = {"ended": max(span.record.ended for span in tops)}
    facts = {"name": text_of(record.get("name")) or tops[0].name} | _end(tops[0].record) | ended
    given, got = (
        record[side] if not is_empty(record.get(side)) else _held(tree, tops[0], side) for side in ("input", "output")
    )
    asked = conversation(given, losses.at("input")).messages or [one for call in calls[:1] for one in call.prompt]
    if not is_empty(got):
        return facts | {"input": asked} | _end_of(got, asked, losses.at("output"))
    said = [one.message for call in calls[-1:] for one in call.replies[:1]] if facts["outcome"] == "ended" else []
    return facts | {"input": asked, "output": said}


def _held(tree: Tree, top: Span, side: str) -> Any:
    """The input or output of a root, or, where it has none, of the only step below it, which then wraps nothing else."""
    below: dict[str | None, list[Span]] = {}
    for one in tree.spans.values():
        below.setdefault(one.parent, []).append(one)
    span = top
    while is_empty(getattr(span, side)):
        inner = below.get(span.id, [])
        if len(inner) != 1 or not isinstance(inner[0].record, Step):
            return None
        span = inner[0]
    return getattr(span, side)


def _end_of(got: Any, asked: list[Message], losses: Losses) -> dict[str, Any]:
    """What the root ended with: messages, an answer, or questions to a human."""
    fields = mapping(parsed(got))
    questions = [_interrupt(one) for one in sequence(fields.get("__interrupt__"))]
    answer = fields.get("answer")
    said = [] if questions and is_empty(fields.get("messages")) else said_at_the_end(got, asked, losses)
    found = {"output": said, "answer": answer if isinstance(answer, str) else None}
    return found | ({"interrupts": questions, "outcome": "interrupted", "error": None} if questions else {})


def _interrupt(value: Any) -> Interrupt:
    fields = mapping(value)
    return Interrupt(id=text_of(first(fields, ("id", "interrupt_id"))) or "", value=fields.get("value", value))


def _end(record: Step | Call | ToolRun) -> dict[str, Any]:
    if isinstance(record, Step):
        outcome: Outcome = record.outcome
    else:
        outcome = "cancelled" if record.error == "cancelled" else "lost" if record.error == "lost" else "failed"
        outcome = outcome if record.error else "ended"
    error = record.error if outcome in ("failed", "cancelled") else None
    return {"started": record.started, "ended": record.ended, "outcome": outcome, "error": error}
