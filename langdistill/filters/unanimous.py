"""Keep a problem whose samples all give one answer (self-consistency at its strictest: Wang et al., 2203.11171)."""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.groups import Group
from langdistill.records import Verdict
from langdistill.votes import vote


@dataclass(frozen=True)
class Unanimous(Filter):
    """See `unanimous`."""

    min_n: int

    def __call__(self, group: Group) -> Verdict:
        """Vote, and see whether everybody voted for the same."""
        outcome = vote(group.answers)
        if outcome.candidates < self.min_n:
            keep, reason = None, "incomplete"
        elif not outcome.votes:
            keep, reason = False, "no-answer"
        elif outcome.share < 1:
            keep, reason = False, "not-unanimous"
        else:
            keep, reason = True, "unanimous"
        evidence = {"votes": outcome.votes, "candidates": outcome.candidates}
        return self.says(keep, reason, outcome.share, evidence=evidence)


def unanimous(*, min_n: int = 2) -> Unanimous:
    """Keep where every candidate gives the same answer; one without an answer is another opinion.

    Args:
        min_n: with fewer candidates the filter cannot judge ("incomplete"). One alone would always agree with itself.

    Raises:
        DatasetError: `min_n` is below 1.
    """
    if min_n < 1:
        raise DatasetError(f"unanimous(min_n={min_n}) would judge a problem without a candidate; give at least 1.")
    return Unanimous(min_n)
