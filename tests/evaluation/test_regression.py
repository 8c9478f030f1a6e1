from __future__ import annotations

import pytest

from langdistill.errors import EvaluationError
from langdistill.evaluation.regression import Alarm, alarm
from tests.evaluation.measured import measured


def runs(n: int, lost: int, gained: int) -> tuple[list[bool], list[bool]]:
    """Grades before and after: so many fell, so many rose, of the others each second one is right."""
    same = [at % 2 == 0 for at in range(n - lost - gained)]
    return [True] * lost + [False] * gained + same, [False] * lost + [True] * gained + same


def found(n: int, lost: int, gained: int, **knobs: float) -> Alarm | None:
    before, after = runs(n, lost, gained)
    return alarm(measured(before), measured(after), **knobs)


def test_an_alarm_tells_what_fell() -> None:
    told = found(200, 24, 6)
    assert told is not None
    assert (told.n, len(told.lost), len(told.gained)) == (200, 24, 6)
    assert told.before - told.after == pytest.approx(18 / 200)
    assert told.p_value == pytest.approx(0.0007154, abs=1e-7)  # scipy 1.17: binomtest(24, 30, 0.5, "greater")
    assert told.lost == tuple(f"p{at}" for at in range(24))
    for said in ("54.5%", "45.5%", "on 200 problems", "24 went from right to wrong", "6 from wrong to right", "2.0%"):
        assert said in str(told), said


@pytest.mark.parametrize(
    ("n", "lost", "gained", "rings"),
    [
        (100, 0, 0, False),
        (100, 4, 0, False),  # 4 points, and one in sixteen by chance
        (100, 5, 0, True),
        (250, 5, 0, False),  # exactly what is tolerated
        (249, 5, 0, True),
        (1000, 84, 63, True),
        (1000, 85, 64, False),
        (100, 6, 24, False),  # it became better
    ],
)
def test_it_rings_where_more_fell_than_is_tolerated_and_than_chance_explains(
    n: int, lost: int, gained: int, rings: bool
) -> None:
    assert (found(n, lost, gained) is not None) == rings


def test_tolerance_and_confidence_are_the_callers() -> None:
    assert found(100, 10, 0, tolerance=0.1) is None
    assert found(100, 10, 0, tolerance=0.09) is not None
    assert found(100, 5, 0, confidence=0.99) is None
    assert found(100, 7, 0, confidence=0.99) is not None


def test_two_sets_are_no_before_and_after() -> None:
    with pytest.raises(EvaluationError, match=r"1 of them are in one run only, such as \['p2'\]"):
        alarm(measured([True, True]), measured([True, True, True]))
