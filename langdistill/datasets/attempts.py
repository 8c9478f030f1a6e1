"""The attempts at a problem: of a run that sampled several candidates each of them, of any other the run as a whole.

What a target that compares attempts, or learns them whole, begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langdistill import groups
from langdistill.answers import normalise, same
from langdistill.answers.thinking import before_answer, thought_and_said
from langdistill.datasets.calls import says_something, thinking_in
from langdistill.datasets.conversations import conversation_of
from langdistill.datasets.rows import row_of
from langdistill.groups import Candidate, Group, candidates
from langdistill.records import Call, Example, Message, Trace, digest, text_of
from langdistill.votes import vote


@dataclass(frozen=True)
class Attempt:
    """An answer with all that was said to give it."""

    trace: Trace
    answer: str | None
    prompt: list[Message]
    target: list[Message]
    tools: list[dict[str, Any]]
    call: Call | None = None
    """The call that it is the reply of; `None` where several were made."""
    logprobs: list[Any] | None = None

    @property
    def content(self) -> str:
        """Digest of what was said."""
        return digest(self.prompt, self.target)

    @property
    def reasoning(self) -> str | None:
        """The thinking alone: what the server told apart, or stands between tags, or else before the line of the answer."""
        [*_, last] = self.target
        told = before_answer(thought_and_said(text_of(last) or "")[1]) if last["role"] == "assistant" else None
        return thinking_in(self.target) or told

    @property
    def terms(self) -> str:
        """Digest of what else a row of it tells: of two attempts that say the same, no run's id decides which is taken."""
        return digest(
            [self.trace.consent, self.trace.licence, self.call and self.call.model, self.tools, self.logprobs]
        )

    def row(
        self,
        group: Group,
        target: Sequence[Message] | None = None,
        *,
        beside: Sequence[Trace] = (),
        **fields: Any,
    ) -> Example:
        """A row in which the student says all of it, or `target` alone.

        Args:
            group: its problem.
            target: what the student says in its place.
            beside: further runs that go into the row, which carries their terms, too.
            **fields: further ones of `Example`.
        """
        by = {"call": self.call.id, "model": self.call.model} if self.call else {}
        logprobs = self.logprobs if target is None else None  # they are of every token that was said
        told = {"answer": self.answer, "tools": self.tools, "logprobs": logprobs, **by, **fields}
        return row_of(group, self.prompt, self.target if target is None else target, [self.trace, *beside], **told)


Score = Callable[[Attempt, Group], float | None]
"""How good an attempt is; `None` where that cannot be said."""


def attempts(group: Group) -> list[Attempt]:
    """The attempts at the original question in the order of what they say. What failed or was cut is none."""
    return _in_order(_attempt(group, one) for trace in group.originals for one in candidates(trace, group.extract))


def predictions(group: Group) -> list[Attempt]:
    """The same for first answers alone, without what refined them: what ART learns from (2311.07961, section 3)."""
    found = (one for trace in group.originals for one in groups.predictions(trace, group.extract))
    return _in_order(_attempt(group, one) for one in found)


def by_votes(attempt: Attempt, group: Group) -> float | None:
    """The share of all candidates that gave the same answer; no score without an answer, or where two answers share the lead."""
    outcome = vote(group.answers)
    if attempt.answer is None or outcome.tied:
        return None
    return outcome.votes.get(normalise(attempt.answer), 0) / outcome.candidates


def by_feedback(attempt: Attempt, group: Group) -> float | None:
    """The mean score of what users said of its run; no score where the run showed them another answer."""
    shown = attempt.trace.answer
    if shown is not None and attempt.answer is not None and not same(attempt.answer, shown):
        return None
    return attempt.trace.score


def _in_order(found: Iterable[Attempt | None]) -> list[Attempt]:
    return sorted((one for one in found if one), key=lambda one: (one.content, one.terms, one.trace.id))


def _attempt(group: Group, one: Candidate) -> Attempt | None:
    # What a strategy asks its model is its own affair: the student is asked the question.
    if one.call is not None and (one.call.candidate or one.trace.strategy):
        if one.reply is None or one.reply.partial or not says_something(one.reply.message):
            return None
        prompt, said = group.question, [one.reply.message]
        return Attempt(one.trace, one.answer, prompt, said, one.call.tools, one.call, one.reply.logprobs)
    told = conversation_of(one.trace)
    if isinstance(told, str):
        return None
    call = told.calls[0] if len(told.calls) == 1 else None
    return Attempt(one.trace, one.answer, told.prompt, told.target, told.tools, call)
