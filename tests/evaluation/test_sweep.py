from __future__ import annotations

import math
from random import Random

import pytest

from langdistill.errors import EvaluationError
from langdistill.evaluation.sweep import Case, sweep

CASES = [
    Case("a", 0.9, first=False, refined=True),
    Case("b", 0.9, first=False, refined=False),
    Case("c", 0.4, first=True, refined=False),
    Case("d", 0.4, first=True, refined=False, scores=(1.0, 0.0)),
    Case("e", 0.1, first=True, refined=None),
    Case("f", None, first=False, refined=True),
]


def test_a_point_for_each_doubt() -> None:
    found = sweep(CASES)
    told = [(one.threshold, one.refined, one.right, one.wrong_to_right, one.right_to_wrong) for one in found.points]
    assert told == [(None, 0, 3, 0, 0), (0.9, 2, 4, 1, 0), (0.4, 4, 3, 1, 1), (0.1, 5, 3, 1, 1)]
    assert (found.nothing, found.everything) == (found.points[0], found.points[-1])
    assert found.recommended.threshold == 0.9
    assert found.recommended.rate == pytest.approx(2 / 6)
    assert found.recommended.accuracy.value == pytest.approx(4 / 6)
    assert found.recommended.accuracy.low < 4 / 6 < found.recommended.accuracy.high


def test_a_threshold_from_elsewhere() -> None:
    found = sweep(CASES)
    assert found.at(0.5).refined == 2
    assert found.at(0.0).refined == 5, "without a decision there is no refinement"
    assert found.at(None) == found.nothing
    assert [found.at(point.threshold) for point in found.points] == list(found.points)


def test_of_equally_accurate_points_the_one_that_refines_least() -> None:
    assert (
        sweep(
            [Case("a", 0.9, first=True, refined=True), Case("b", 0.2, first=False, refined=False)]
        ).recommended.threshold
        is None
    )


def test_scores_that_are_equal_leave_the_first_answer() -> None:
    assert sweep([Case("a", 1.0, first=True, refined=False, scores=(0.5, 0.5))]).everything.right == 1
    assert sweep([Case("a", 1.0, first=True, refined=False, scores=(0.5, 0.6))]).everything.right == 0


def cases(informative: bool, seed: int) -> list[Case]:
    """Two thirds right at first; a refinement is right in 60 of 100 cases, whatever was said before."""
    rng = Random(seed)
    found = list[Case]()
    for at in range(3000):
        first = rng.random() < 2 / 3
        doubt = min(1.0, max(0.0, rng.gauss(0.35 if first else 0.65, 0.15))) if informative else rng.random()
        found.append(Case(str(at), doubt, first, rng.random() < 0.6))
    return found


def test_to_refine_everything_is_not_the_best_where_the_asker_knows_something() -> None:
    """Acceptance 5: the best share lies inside, near that of the wrong answers."""
    found = sweep(cases(informative=True, seed=1))
    assert 0.2 < found.recommended.rate < 0.45
    assert found.recommended.accuracy.low > max(found.everything.accuracy.high, found.nothing.accuracy.high)


def test_an_asker_that_knows_nothing_gains_nothing() -> None:
    found, fresh = sweep(cases(informative=False, seed=2)), sweep(cases(informative=False, seed=3))
    applied = fresh.at(found.recommended.threshold)
    assert applied.right <= fresh.nothing.right + 0.02 * 3000


def test_what_is_refused() -> None:
    with pytest.raises(EvaluationError, match="no case"):
        sweep([])
    with pytest.raises(EvaluationError, match="'a' is there twice"):
        sweep([CASES[0], CASES[0]])
    for doubt in (1.5, -0.1, math.nan):
        with pytest.raises(EvaluationError, match="no probability"):
            sweep([Case("a", doubt, first=True, refined=None)])
