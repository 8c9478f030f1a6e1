"""Keep a problem whose sampled answers agree (Yu et al., 2407.06023, section 3: self-consistency of outputs)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from langdistill.errors import DatasetError
from langdistill.filters.judged import Judged
from langdistill.records import Verdict
from langdistill.votes import vote


@dataclass(frozen=True)
class Agreement:
    """See `agreement`."""

    min_share: float
    min_n: int

    name = "agreement"

    @property
    def params(self) -> dict[str, Any]:
        """The thresholds."""
        return asdict(self)

    def __call__(self, group: Judged) -> Verdict:
        """Vote, and compare the leader's share with the threshold."""
        outcome = vote(group.answers)
        if outcome.candidates < self.min_n:
            keep, reason = None, "incomplete"
        elif not outcome.votes:
            keep, reason = False, "no-answer"
        elif outcome.tied:
            keep, reason = False, "tied"
        elif outcome.share < self.min_share:
            keep, reason = False, "split-vote"
        else:
            keep, reason = True, "agreed"
        evidence = {"votes": outcome.votes, "candidates": outcome.candidates}
        return Verdict(filter=self.name, keep=keep, reason=reason, score=outcome.share, evidence=evidence)


def agreement(*, min_share: float = 0.5, min_n: int = 1) -> Agreement:
    """Keep where one answer leads alone and has at least `min_share` of all candidates.

    A candidate without an answer votes for nobody and still counts among all. Four against four is a tied lead and is dropped
    whatever the share, so the default keeps what has a majority or, among scattered answers, exactly half.

    Args:
        min_share: between 0 and 1.
        min_n: with fewer candidates the filter cannot judge ("incomplete").

    Raises:
        DatasetError: `min_share` is outside 0 to 1.
    """
    if not 0 <= min_share <= 1:
        raise DatasetError(f"agreement(min_share={min_share}) is no share; give a number from 0 to 1.")
    return Agreement(min_share, min_n)
