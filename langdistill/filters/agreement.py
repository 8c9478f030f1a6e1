"""Keep a problem whose sampled answers agree (Yu et al., 2407.06023, section 3: self-consistency of outputs)."""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.groups import Group
from langdistill.records import Verdict
from langdistill.votes import vote


@dataclass(frozen=True)
class Agreement(Filter):
    """See `agreement`."""

    min_share: float
    min_margin: float
    min_n: int
    strict: bool

    def __call__(self, group: Group) -> Verdict:
        """Vote, and compare the leader's share and its lead with the thresholds."""
        outcome = vote(group.answers)
        if outcome.candidates < self.min_n:
            keep, reason = None, "incomplete"
        elif not outcome.votes:
            keep, reason = False, "no-answer"
        elif outcome.tied:
            keep, reason = False, "tied"
        elif outcome.share < self.min_share or (self.strict and outcome.share == self.min_share):
            keep, reason = False, "split-vote"
        elif outcome.margin < self.min_margin:
            keep, reason = False, "narrow-lead"
        else:
            keep, reason = True, "agreed"
        evidence = {"votes": outcome.votes, "candidates": outcome.candidates, "margin": outcome.margin}
        return self.says(keep, reason, outcome.share, evidence=evidence)


def agreement(*, min_share: float = 0.5, min_margin: float = 0.0, min_n: int = 1, strict: bool = False) -> Agreement:
    """Keep where one answer leads alone and has at least `min_share` of all candidates.

    A candidate without an answer votes for nobody and still counts among all. Four against four is a tied lead and is dropped
    whatever the share ("tied": no order of arrival ever decides), so the default keeps what has a majority or, among scattered
    answers, exactly half.

    Args:
        min_share: between 0 and 1.
        min_margin: the leader's share minus the runner-up's, between 0 and 1.
        min_n: with fewer candidates the filter cannot judge ("incomplete").
        strict: the share must be above `min_share`: with 0.5 a majority as the paper's authors count it.

    Raises:
        DatasetError: `min_share` or `min_margin` is outside 0 to 1.
    """
    for name, value in {"min_share": min_share, "min_margin": min_margin}.items():
        if not 0 <= value <= 1:
            raise DatasetError(f"agreement({name}={value}) is no share; give a number from 0 to 1.")
    return Agreement(min_share, min_margin, min_n, strict)
