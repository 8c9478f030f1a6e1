from __future__ import annotations

from itertools import combinations, permutations
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langdistill.evaluation.curves import majority, passed
from langdistill.evaluation.results import Evaluation, Graded
from langdistill.intervals import mean_share, wilson
from langdistill.votes import leader

SAMPLES = st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=7)
RIGHT = st.sets(st.sampled_from("abcd"))


def by_hand(answers: list[str | None], right: set[str], k: int) -> float:
    """Over every order of every draw, by the vote of the package itself, whose ties go to the one sampled first."""
    orders = [order for drawn in combinations(answers, k) for order in permutations(drawn)]
    leaders = ((order, leader(order)) for order in orders)
    return sum(at is not None and order[at] in right for order, at in leaders) / len(orders)


@given(SAMPLES.filter(lambda answers: len(answers) <= 5), RIGHT, st.data())
def test_the_majority_of_k_is_what_counting_every_draw_gives(
    answers: list[str | None], right: set[str], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(answers)))
    assert majority(answers, [one in right for one in answers], k) == pytest.approx(by_hand(answers, right, k))


@given(SAMPLES, RIGHT, st.integers(0, 10**6))
def test_the_order_of_the_samples_says_nothing(answers: list[str | None], right: set[str], seed: int) -> None:
    mixed = Random(seed).sample(answers, len(answers))
    for k in range(1, len(answers) + 1):
        one, other = (majority(some, [a in right for a in some], k) for some in (answers, mixed))
        assert one == pytest.approx(other)
        assert 0 <= one <= 1


@given(st.integers(1, 12), st.data())
def test_one_sample_is_the_share_of_the_right_ones(samples: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, samples))
    answers = ["yes"] * right + ["no"] * (samples - right)
    graded = [answer == "yes" for answer in answers]
    assert majority(answers, graded, 1) == pytest.approx(right / samples)
    assert passed(right, samples, 1) == pytest.approx(right / samples)
    assert passed(right, samples, samples) == (right > 0)
    curve = [passed(right, samples, k) for k in range(1, samples + 1)]
    assert curve == sorted(curve)


@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_what_counting_every_draw_gives(samples: int, data: st.DataObject) -> None:
    right, k = data.draw(st.integers(0, samples)), data.draw(st.integers(1, samples))
    draws = list(combinations([True] * right + [False] * (samples - right), k))
    assert passed(right, samples, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_spellings_of_one_answer_vote_together() -> None:
    assert majority(["$1,000", "1000", "7", "7.0", "1000.0"], [True, True, False, False, True], 5) == 1
    assert majority(["$1,000", "1000", "7", "7.0"], [True, True, False, False], 4) == 0.5


def test_many_samples_are_counted_and_not_tried() -> None:
    answers = [str(at % 8) for at in range(64)]
    assert majority(answers, [one == "0" for one in answers], 64) == pytest.approx(1 / 8)
    assert comb(64, 32) > 10**18
    assert majority(answers, [one == "0" for one in answers], 32) == pytest.approx(1 / 8)


def evaluation(*problems: tuple[list[str | None], str]) -> Evaluation:
    results = {
        f"p{at}": Graded(asked="", answers=answers, right=[answer == gold for answer in answers])
        for at, (answers, gold) in enumerate(problems)
    }
    return Evaluation(samples=len(problems[0][0]), results=results, seconds=1)


def test_a_curve_over_problems() -> None:
    found = evaluation((["4", "4", "5"], "4"), (["6", "7", None], "8"), ([None, None, "3"], "3"))
    assert found.majority(1).value == pytest.approx((2 / 3 + 0 + 1 / 3) / 3)
    assert found.majority(3).value == pytest.approx((1 + 0 + 1) / 3)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.passed(2).value == pytest.approx((1 + 0 + 2 / 3) / 3)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_the_interval_of_zeros_and_ones_is_wilsons(grades: list[bool]) -> None:
    found = mean_share(grades)
    assert found[1:] == pytest.approx(wilson(sum(grades), len(grades)))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_shares_that_differ_less_say_more(shares: list[float]) -> None:
    found, coarse = mean_share(shares, most=4), wilson(sum(shares), len(shares))
    assert found.low <= found.value + 1e-9
    assert found.value <= found.high + 1e-9
    assert found.high - found.low <= coarse[1] - coarse[0] + 1e-9
