"""The question, what only the teacher knew, and the answer: for self-distillation with privileged context (SDFT, SDPO)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from langdistill.answers.thinking import thought_and_said
from langdistill.datasets.attempts import Attempt, attempts
from langdistill.datasets.calls import spoken
from langdistill.datasets.rows import in_order, no_question
from langdistill.datasets.taking import Taking
from langdistill.groups import Group, Rows
from langdistill.records import Message, digest, text_of

Knows = Callable[[Attempt], str | None]
"""What the teacher knew beyond the question; `None` where that is nothing."""


def thinking(attempt: Attempt) -> str | None:
    """Its reasoning; of a run whose last message holds none, what the calls before it replied."""
    return attempt.reasoning or _before(attempt)


def comments(attempt: Attempt) -> str | None:
    """What users wrote of its run afterwards, by time."""
    told = sorted(attempt.trace.feedback, key=lambda one: (one.at, one.comment or ""))
    return "\n\n".join(one.comment for one in told if one.comment) or None


@dataclass(frozen=True)
class Privileged(Taking):
    """See `privileged`."""

    knows: Knows
    whole: bool

    def __call__(self, group: Group) -> Rows:
        """A row for each attempt that something more is known of."""
        if missing := no_question(group):
            return Rows(reason=missing)
        known = [(one, told) for one in attempts(group) if one.answer is not None and (told := self.knows(one))]
        rows = [one.row(group, self._target(one), privileged=told) for one, told in known]
        return Rows(in_order(rows)) if rows else Rows(reason="nothing-privileged")

    def _target(self, attempt: Attempt) -> list[Message] | None:
        return None if self.whole else [{"role": "assistant", "content": attempt.answer}]


def privileged(knows: Knows = thinking, *, whole: bool = False) -> Privileged:
    """(x, privileged, y): what is privileged is shown to the teacher alone, beside the question.

    Attempts without an answer, and those of which nothing more is known, give none ("nothing-privileged").

    Args:
        knows: `thinking` (the z of System 2), `comments` (feedback in words), or a function of your own.
        whole: whether the target is the whole attempt; else its answer alone.
    """
    return Privileged(knows, whole)


def _before(attempt: Attempt) -> str | None:
    """The texts of the calls before the answer, node by node; those of one node in the order of what they say."""
    trace = attempt.trace
    nodes = list(dict.fromkeys(call.path for call in trace.calls))
    said = [
        (nodes.index(call.path), text)
        for call in trace.calls
        for reply in spoken(trace, call)
        if (text := thought_and_said(text_of(reply.message) or "")[1]) and text != text_of(attempt.target[-1])
    ]
    return "\n\n".join(text for _, text in sorted(said, key=lambda one: (one[0], digest(one[1])))) or None
