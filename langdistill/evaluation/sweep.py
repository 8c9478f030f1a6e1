"""How much to refine: accuracy against the share of answers that are refined, and the threshold to be recommended.

Refining everything is not the best where the asker knows anything (ART; Shridhar et al., 2311.07961, section 5): a refinement
mends wrong answers and spoils right ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from langdistill.errors import EvaluationError
from langdistill.evaluation.results import Account
from langdistill.intervals import Estimate, wilson

NOTHING = Account()


@dataclass(frozen=True)
class Case:
    """A problem that was refined whatever its asker said, and what became of it."""

    problem: str
    doubt: float | None
    """Of the first answer, from 0 to 1; `None` where the asker came to no decision, which no threshold refines."""
    first: bool
    """Whether the first answer is right."""
    refined: bool | None
    """Whether the refined answer is right; `None` where there is none, or it says the same."""
    scores: tuple[float, float] | None = None
    """Of the first answer and the refined one; without them the refined one is trusted."""
    asking: Account = NOTHING
    """What the first answer and the doubt took."""
    refining: Account = NOTHING
    """What the refinement and the trust took."""

    @property
    def trusted(self) -> bool:
        """Whether what is trusted, once it was refined, is right."""
        if self.refined is None or (self.scores is not None and not self.scores[1] > self.scores[0]):
            return self.first
        return self.refined


@dataclass(frozen=True)
class Point:
    """What a threshold comes to."""

    threshold: float | None
    """The least doubt at which an answer is refined; `None`: none is."""
    problems: int
    refined: int
    """How many were refined."""
    right: int
    wrong_to_right: int
    right_to_wrong: int
    spent: Account = NOTHING
    """On all problems."""

    @property
    def rate(self) -> float:
        """Share of the answers that are refined."""
        return self.refined / self.problems

    @property
    def accuracy(self) -> Estimate:
        """Share of right answers with Wilson's 95 % interval."""
        return Estimate(self.right / self.problems, *wilson(self.right, self.problems))


@dataclass(frozen=True)
class Sweep:
    """The curve. Made by `sweep`."""

    cases: tuple[Case, ...]
    points: tuple[Point, ...]
    """From refining nothing to refining all that has a decision; one for each doubt that occurs."""

    @property
    def nothing(self) -> Point:
        """The first answers."""
        return self.points[0]

    @property
    def everything(self) -> Point:
        """Every answer that has a decision is refined."""
        return self.points[-1]

    @property
    def recommended(self) -> Point:
        """The most accurate point; of equally accurate ones that which refines least. Take it on a validation set, never on the test."""
        return max(self.points, key=lambda one: (one.right, -one.refined))

    def at(self, threshold: float | None) -> Point:
        """What any threshold comes to, such as one that was recommended on other problems; `None` refines nothing."""
        refined = [
            one for one in self.cases if threshold is not None and one.doubt is not None and one.doubt >= threshold
        ]
        return _further(self.nothing, threshold, refined)


def sweep(cases: Sequence[Case]) -> Sweep:
    """Accuracy at every threshold that makes a difference.

    Args:
        cases: one a problem, each refined and judged.

    Raises:
        EvaluationError: there are none, a problem is there twice, or a doubt is no probability.
    """
    if not cases:
        raise EvaluationError(
            "There is no case to sweep over. Give one a problem, each refined whatever the asker said."
        )
    seen = set[str]()
    for one in cases:
        if one.problem in seen:
            raise EvaluationError(f"The problem {one.problem!r} is there twice; give each once.")
        seen.add(one.problem)
        if one.doubt is not None and not 0 <= one.doubt <= 1:
            raise EvaluationError(
                f"The doubt {one.doubt!r} of the problem {one.problem!r} is no probability from 0 to 1."
            )
    points = [_nothing(cases)]
    doubted = sorted((one for one in cases if one.doubt is not None), key=_doubt, reverse=True)
    for threshold, alike in groupby(doubted, key=_doubt):
        points.append(_further(points[-1], threshold, list(alike)))
    return Sweep(tuple(cases), tuple(points))


def _doubt(case: Case) -> float:
    assert case.doubt is not None
    return case.doubt


def _nothing(cases: Sequence[Case]) -> Point:
    spent = sum((one.asking for one in cases), NOTHING)
    return Point(None, len(cases), 0, sum(one.first for one in cases), 0, 0, spent)


def _further(point: Point, threshold: float | None, refined: Sequence[Case]) -> Point:
    """The same with these refined besides."""
    gained = sum(one.trusted and not one.first for one in refined)
    lost = sum(one.first and not one.trusted for one in refined)
    return Point(
        threshold,
        point.problems,
        point.refined + len(refined),
        point.right + gained - lost,
        point.wrong_to_right + gained,
        point.right_to_wrong + lost,
        sum((one.refining for one in refined), point.spent),
    )
