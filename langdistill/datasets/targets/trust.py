"""Pairs of a right and a wrong first answer to one question, for a truster.

Source: ART (Shridhar et al., 2311.07961, section 3.3). Of sampled answers and never of refinements: most of these end in the same
answer as what they refine, and would teach how a refinement sounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from langdistill.datasets.attempts import Attempt, predictions
from langdistill.datasets.judging import ByJudge, Judge
from langdistill.datasets.rows import in_order, no_question
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows


@dataclass(frozen=True)
class Trusted(ByJudge):
    """See `trust`."""

    most: int | None

    def __call__(self, group: Group) -> Rows:
        """The pairs of a problem."""
        if missing := no_question(group):
            return Rows(reason=missing)
        found = [(self.judge(one, group), one) for one in predictions(group)]
        right, wrong = ([one for good, one in found if good is wanted] for wanted in (True, False))
        if not right and not wrong:
            return Rows(reason="unjudged")
        pairs = islice(_pairs(right, wrong), self.most)
        rows = [
            chosen.row(group, beside=[rejected.trace], reasoning=chosen.reasoning, rejected=rejected.target, good=True)
            for chosen, rejected in pairs
        ]
        return Rows(in_order(rows)) if rows else Rows(reason="no-pair")


def trust(judge: Judge, *, most: int | None = None) -> Trusted:
    """Every right answer to a question beside every wrong one to it, the right one as the target.

    "unjudged" where no answer could be judged, "no-pair" where all are right or all are wrong. What was said twice counts once.

    Args:
        judge: whether an answer is right, as of `doubt`.
        most: pairs of one problem; the answers then take turns.

    Raises:
        DatasetError: `most` is no number of pairs.
    """
    if most is not None and most < 1:
        raise DatasetError(f"trust(most={most}) gives no pairs; give a number from 1 up, or None for all.")
    return Trusted(judge, most)


def _pairs(right: Sequence[Attempt], wrong: Sequence[Attempt]) -> Iterator[tuple[Attempt, Attempt]]:
    """Each with each, so that the first pairs hold as many different answers as there are."""
    turns = max(len(right), len(wrong))
    seen = set[tuple[str, str]]()
    for shift in range(turns):
        for at in range(turns if right and wrong else 0):
            chosen, rejected = right[at % len(right)], wrong[(at + shift) % len(wrong)]
            pair = (chosen.content, rejected.content)
            if pair not in seen and chosen.prompt == rejected.prompt and chosen.target != rejected.target:
                seen.add(pair)
                yield chosen, rejected
