"""Pairs of a better and a worse attempt at one problem, for DPO and reward models.

Source: the truster of ART (Shridhar et al., 2311.07961) and the preference model of rStar-Math (2501.04519) learn from such
pairs; without gold answers the vote decides which is better.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langdistill.datasets.attempts import Attempt, Score, attempts, by_votes
from langdistill.datasets.rows import in_order, no_question
from langdistill.datasets.taking import Taking
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows
from langdistill.records import Example


@dataclass(frozen=True)
class Preferred(Taking):
    """See `preferred`."""

    score: Score
    min_margin: float
    most: int

    def __call__(self, group: Group) -> Rows:
        """The pairs, the widest first to be taken."""
        if missing := no_question(group):
            return Rows(reason=missing)
        scored = [(score, one) for one in attempts(group) if (score := self.score(one, group)) is not None]
        if not scored:
            return Rows(reason="unscored")
        ranked = sorted(scored, key=lambda one: -one[0])  # stable: equal ones stay in the order of what they say
        rows = [_row(group, chosen, rejected, margin) for margin, chosen, rejected in self._pairs(ranked)]
        return Rows(in_order(rows)) if rows else Rows(reason="no-pair")

    def _pairs(self, ranked: Sequence[tuple[float, Attempt]]) -> Iterator[tuple[float, Attempt, Attempt]]:
        """The best beside the worst, the second beside the second to last, as long as they differ enough."""
        for (better, chosen), (worse, rejected) in zip(ranked[: self.most], reversed(ranked), strict=False):
            margin = better - worse
            if margin <= 0 or margin < self.min_margin:
                return
            if (chosen.prompt, chosen.tools) == (rejected.prompt, rejected.tools) and chosen.target != rejected.target:
                yield margin, chosen, rejected


def preferred(score: Score = by_votes, *, min_margin: float = 0.0, most: int = 1) -> Preferred:
    """A better and a worse attempt at the same prompt, the better one as the target.

    The best attempt stands beside the worst, the next best beside the next worst. Where two scores are equal, the order of what
    was said decides, never that of arrival. "unscored" where nothing has a score (a tied vote has none), "no-pair" where
    nothing differs by enough or is of one prompt.

    Args:
        score: how good an attempt is: `by_votes` (unsupervised), `by_feedback`, or a function of your own from an `Attempt` and
            its `Group` to a number, or `None` where it cannot say.
        min_margin: by how much the scores must differ, at the least.
        most: pairs of one problem.

    Raises:
        DatasetError: `min_margin` is negative, or `most` no number of pairs.
    """
    if min_margin < 0 or most < 1:
        raise DatasetError(
            f"preferred(min_margin={min_margin}, most={most}) gives no pairs; give a margin from 0 and a number from 1 up."
        )
    return Preferred(score, min_margin, most)


def _row(group: Group, chosen: Attempt, rejected: Attempt, margin: float) -> Example:
    return chosen.row(
        group,
        beside=[rejected.trace],
        reasoning=chosen.reasoning,
        rejected=rejected.target,
        margin=margin,
        good=True,
    )
