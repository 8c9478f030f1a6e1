"""Good and bad attempts without partners, for KTO (Ethayarajh et al., 2402.01306)."""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.datasets.attempts import attempts
from langdistill.datasets.judging import ByJudge, Judge, with_the_vote
from langdistill.datasets.rows import in_order, no_question
from langdistill.groups import Group, Rows
from langdistill.records import Example


@dataclass(frozen=True)
class Unpaired(ByJudge):
    """See `unpaired`."""

    def class_of(self, row: Example) -> str:
        """Whether its target is one to imitate: "good" or "bad"."""
        return "good" if row.good else "bad"

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
        judge: `with_the_vote` (unsupervised), `liked` (feedback) or `by_gold` of `datasets/judging.py`, or a function of your own from an
            `Attempt` and its `Group`.
    """
    return Unpaired(judge)
