"""Good and bad attempts without partners, for KTO (Ethayarajh et al., 2402.01306)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from langdistill.answers import same
from langdistill.datasets.attempts import Attempt, attempts, by_feedback
from langdistill.datasets.rows import in_order, no_question
from langdistill.datasets.taking import Taking
from langdistill.groups import Group, Rows
from langdistill.votes import vote

Judge = Callable[[Attempt, Group], bool | None]
"""Whether an attempt is one to imitate; `None` where that cannot be said."""


def with_the_vote(attempt: Attempt, group: Group) -> bool | None:
    """Whether it gave the answer that leads; nobody can say without an answer, or where the lead is tied."""
    leading = vote(group.answers).answer
    return None if leading is None or attempt.answer is None else same(attempt.answer, leading)


def liked(attempt: Attempt, group: Group, *, at_least: float = 0.5) -> bool | None:
    """Whether users gave its run that score on average; nobody can say of a run without feedback."""
    score = by_feedback(attempt, group)
    return None if score is None else score >= at_least


@dataclass(frozen=True)
class Unpaired(Taking):
    """See `unpaired`."""

    judge: Judge

    def __call__(self, group: Group) -> Rows:
        """A row for each attempt that was judged."""
        if missing := no_question(group):
            return Rows(reason=missing)
        judged = [(one, good) for one in attempts(group) if (good := self.judge(one, group)) is not None]
        rows = [one.row(group, reasoning=one.reasoning, good=good) for one, good in judged]
        return Rows(in_order(rows)) if rows else Rows(reason="unjudged")


def unpaired(judge: Judge = with_the_vote) -> Unpaired:
    """Every attempt that can be judged, each with `good` as true or false ("unjudged" where none can).

    Args:
        judge: `with_the_vote` (unsupervised), `liked` (feedback), or a function of your own from an `Attempt` and its `Group`.
    """
    return Unpaired(judge)
