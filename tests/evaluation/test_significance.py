from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langdistill.evaluation.significance import bootstrap_difference, fell, mcnemar_corrected, mcnemar_exact

# statsmodels 0.15.0: mcnemar([[0, lost], [gained, 0]]), exact and with correction; scipy 1.17.1: binomtest(lost, n, 0.5, "greater")
PUBLISHED = [
    (1, 0, 1.0, 1.0, 0.5),
    (5, 0, 0.0625, 0.07363827012030258, 0.03125),
    (10, 2, 0.03857421875, 0.04330814281079206, 0.019287109375),
    (2, 10, 0.03857421875, 0.04330814281079206, 0.996826171875),
    (25, 12, 0.04703102743951604, 0.04851973828025081, 0.02351551371975802),
    (86, 150, 3.7159361395713866e-05, 4.114562281345944e-05, 0.9999896457855217),
    (40, 41, 1.0, 1.0, 0.5878433924473959),
    (400, 300, 0.0001784763144856244, 0.0001826717911095503, 8.92381572428122e-05),
    (1200, 1100, 0.03896685268382023, 0.03898997282365651, 0.019483426341910116),
]


@pytest.mark.parametrize(("lost", "gained", "exact", "corrected", "one_sided"), PUBLISHED)
def test_mcnemar_is_what_other_packages_compute(
    lost: int, gained: int, exact: float, corrected: float, one_sided: float
) -> None:
    assert mcnemar_exact(lost, gained) == pytest.approx(exact, rel=1e-10)
    assert mcnemar_corrected(lost, gained) == pytest.approx(corrected, rel=1e-10)
    assert fell(lost, gained) == pytest.approx(one_sided, rel=1e-10)


COUNTS = st.integers(0, 200)


@given(COUNTS, COUNTS)
def test_mcnemar_is_a_test(lost: int, gained: int) -> None:
    p_value = mcnemar_exact(lost, gained)
    assert 0 < p_value <= 1
    assert p_value == mcnemar_exact(gained, lost)
    assert mcnemar_exact(lost + 1, gained) <= p_value or lost < gained
    assert min(1, 2 * min(fell(lost, gained), fell(gained, lost))) == pytest.approx(p_value)


@given(COUNTS, COUNTS)
def test_the_approximation_is_near_where_it_is_for(lost: int, gained: int) -> None:
    if lost + gained >= 25:
        assert mcnemar_corrected(lost, gained) == pytest.approx(mcnemar_exact(lost, gained), abs=0.02)


def test_nothing_changed_says_nothing() -> None:
    assert (mcnemar_exact(0, 0), mcnemar_corrected(0, 0), fell(0, 0)) == (1, 1, 1)


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=60), st.integers(0, 1000))
def test_the_bootstrap_is_one_of_the_same_problems(differences: list[int], seed: int) -> None:
    low, high = bootstrap_difference(differences, resamples=200, seed=seed)
    assert min(differences) <= low <= high <= max(differences)
    assert bootstrap_difference(differences, resamples=200, seed=seed) == (low, high)
    wider = bootstrap_difference(differences, resamples=200, seed=seed, confidence=0.99)
    assert wider[0] <= low <= high <= wider[1]
    low, high = bootstrap_difference(differences, resamples=2000, seed=seed)
    mirrored = bootstrap_difference([-one for one in differences], resamples=2000, seed=seed)
    assert mirrored == pytest.approx((-high, -low), abs=3.01 / len(differences))  # other draws, in steps of 1 / n


def test_the_bootstrap_against_the_normal_approximation() -> None:
    differences = [1] * 60 + [-1] * 30 + [0] * 310
    low, high = bootstrap_difference(differences, seed=1)
    half = 1.96 * ((90 / 400 - (30 / 400) ** 2) / 400) ** 0.5
    assert (low, high) == (pytest.approx(0.075 - half, abs=0.005), pytest.approx(0.075 + half, abs=0.005))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, held = Random(4), 0
    for seed in range(200):
        drawn = rng.choices([-1, 0, 1], weights=[1, 6, 3], k=80)
        low, high = bootstrap_difference(drawn, resamples=300, seed=seed)
        held += low <= 0.2 <= high
    assert 180 <= held <= 199
