"""Pairs of a right and a wrong trace of a search that begin alike, for preference models of the process.

Source: rStar-Math (Guan et al., 2501.04519, section 3.3): the two best right traces by Q beside the two worst wrong ones that share
the steps before. The sides are whole traces, so that any loss on pairs takes them; what they share is told beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product, takewhile
from typing import NamedTuple

from langdistill.datasets.judging import Judge, with_the_vote
from langdistill.datasets.rows import in_order
from langdistill.datasets.searched import FromSearches, Searched, Steps, Way, monte_carlo
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows
from langdistill.records import Example


class Pair(NamedTuple):
    """Two traces that begin alike."""

    chosen: Way
    rejected: Way
    shared: int
    """Steps."""
    margin: float
    """By how much the chosen one's next step is worth more."""


@dataclass(frozen=True)
class ProcessPreference(FromSearches):
    """See `process_preference`."""

    most: int | None
    agree: float

    def rows(self, found: Searched, group: Group) -> Rows:
        """A row for each pair."""
        verdicts = [self._is_right(one, group) for one in found.ways]
        if all(good is None for good in verdicts):
            return Rows(reason="unjudged")
        values = monte_carlo(found, verdicts)
        right, wrong = (
            [one for one, good in zip(found.ways, verdicts, strict=True) if good is kind] for kind in (True, False)
        )
        pairs = islice(_pairs(right, wrong, values), self.most)
        rows = [_row(group, one) for one in pairs]
        return Rows(in_order(rows)) if rows else Rows(reason="no-pair")

    def _is_right(self, way: Way, group: Group) -> bool | None:
        """As the judge says; without one, both the vote and the second model must say the same of it."""
        if self.judge is not None:
            return way.judged(self.judge, group)
        good = way.judged(with_the_vote, group)
        return good if good is way.is_verified(self.agree) else None


def process_preference(judge: Judge | None = None, *, most: int | None = 4, agree: float = 0.5) -> ProcessPreference:
    """A right trace beside a wrong one that begins with the same steps, the right one as the target.

    The right traces of the largest Q stand beside the wrong ones of the smallest: the best beside the worst, then the two best beside the
    two worst, and so on. They share one step at the least, and where they part the right one's next step is worth more: a larger share of
    the rollouts through it ended in a right answer. That difference is the row's `margin`; `shared_steps` tells how many steps they
    share. "unjudged" where nobody can say which are right, "no-pair" where no two begin alike.

    Args:
        judge: which traces are right: `by_gold(...)`, `liked`, `with_the_vote`, or one of your own. Without any, right are those that have
            the answer that went out and are verified, wrong those that have another and are not.
        most: pairs of a problem; 4 is the two best beside the two worst. `None` for all.
        agree: share of its completions that must agree, for a trace to be verified.

    Raises:
        DatasetError: `most` is no number of pairs, or `agree` no share.
    """
    if most is not None and most < 1:
        raise DatasetError(f"process_preference(most={most}) gives no pairs; give a number from 1 up, or None for all.")
    if not 0 < agree <= 1:
        raise DatasetError(
            f"process_preference(agree={agree}) tells nothing apart; give a share of completions above 0, up to 1."
        )
    return ProcessPreference(judge, most, agree)


def _pairs(right: Sequence[Way], wrong: Sequence[Way], values: Mapping[Steps, float]) -> Iterator[Pair]:
    """The best beside the worst, then the pairs of the two best and the two worst, and so on."""
    best = sorted(right, key=lambda one: (-one.end.value, one.content))
    worst = sorted(wrong, key=lambda one: (one.end.value, one.content))
    ranks = sorted(product(range(len(best)), range(len(worst))), key=lambda both: (max(both), sum(both), both))
    for one, other in ranks:
        pair = _pair(best[one], worst[other], values)
        if pair.shared and pair.margin > 0:
            yield pair


def _pair(chosen: Way, rejected: Way, values: Mapping[Steps, float]) -> Pair:
    alike = takewhile(lambda both: both[0] == both[1], zip(chosen.steps, rejected.steps, strict=False))
    shared = len(list(alike))  # no way is the beginning of another: its last step has the answer
    better, worse = (values[one.steps[: shared + 1]] for one in (chosen, rejected))
    return Pair(chosen, rejected, shared, better - worse)


def _row(group: Group, pair: Pair) -> Example:
    return pair.chosen.row(
        group,
        beside=pair.rejected.traces,
        rejected=pair.rejected.target,
        margin=pair.margin,
        shared_steps=pair.shared,
        good=True,
    )
