"""The traces of a search that a second model came to the same answer by, as reasoning to learn.

Source: mutual consistency is that of rStar (Qi et al., 2408.06195, section 3.3); to learn the two best traces of a problem by Q is what
rStar-Math does (Guan et al., 2501.04519), which has right answers to choose them by.
"""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.datasets.judging import Judge, with_the_vote
from langdistill.datasets.rows import in_order
from langdistill.datasets.searched import FromSearches, Searched, Way
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows


@dataclass(frozen=True)
class Verified(FromSearches):
    """See `verified`."""

    most: int | None
    agree: float

    def rows(self, found: Searched, group: Group) -> Rows:
        """A row for each of the best."""
        ways = [one for one in found.ways if one.is_verified(self.agree)]
        if not ways:
            return Rows(reason="unverified" if any(one.completed for one in found.ways) else "unchecked")
        judged = [(one, self._is_right(one, group)) for one in ways]
        best = sorted((one for one, good in judged if good), key=lambda one: (-one.score, one.content))
        if best:
            return Rows(in_order(one.row(group) for one in best[: self.most]))
        return Rows(reason="unjudged" if all(good is None for _, good in judged) else "none-right")

    def _is_right(self, way: Way, group: Group) -> bool | None:
        return True if self.judge is None else way.judged(self.judge, group)


def verified(most: int | None = 2, agree: float = 0.5, judge: Judge | None = with_the_vote) -> Verified:
    """The question and a trace of the search: its steps, then its answer.

    Where several traces are verified, those of the largest reward x confidence are taken, as the search itself weighs them. Of a problem
    that was searched several times all traces stand side by side, each once. "no-search" where no run recorded one, "unchecked" where the
    second model was asked nothing (all traces came to one answer, or the budget was spent), "unverified" where it came to the answer of
    none, "none-right" where the judge wants none of these.

    Args:
        most: traces of a problem; `None` for all.
        agree: share of the completions of a trace that must come to its answer. 0 takes those that nobody checked, too.
        judge: which of them are right. By default those of the answer that went out (`with_the_vote`: of several runs the one that leads);
            `by_gold(...)`, `liked`, one of your own, or `None` for every trace that is verified, whatever it came to.

    Raises:
        DatasetError: `most` is no number of rows, or `agree` no share.
    """
    if most is not None and most < 1:
        raise DatasetError(f"verified(most={most}) gives no rows; give a number from 1 up, or None for all.")
    if not 0 <= agree <= 1:
        raise DatasetError(f"verified(agree={agree}) is no share of completions; give a number from 0 to 1.")
    return Verified(judge, most, agree)
