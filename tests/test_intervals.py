from __future__ import annotations

import pytest

from langdistill.intervals import over_seeds, wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_against_published_values(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_nothing_tried_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_over_seeds() -> None:
    centre, (low, high) = over_seeds([0.5, 0.6, 0.7])
    assert centre == pytest.approx(0.6)
    assert high - centre == pytest.approx(4.303 * 0.1 / 3**0.5, abs=1e-4)
    assert centre - low == pytest.approx(high - centre)
