from __future__ import annotations

import math
from random import Random

import pytest

from langdistill.errors import EvaluationError
from langdistill.evaluation.area import area, area_over_problems


@pytest.mark.parametrize(
    ("scores", "positive", "wanted"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0),
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0.0),
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),
        ([1, 1, 1, 1], [0, 1, 0, 1], 0.5),
        ([1, 2, 2, 3], [0, 1, 0, 1], 0.875),
        ([-math.inf, math.inf], [False, True], 1.0),
    ],
)
def test_the_chance_that_a_positive_scores_higher_with_ties_counted_half(
    scores: list[float], positive: list[bool], wanted: float
) -> None:
    assert area(scores, positive) == wanted
    assert area([-one for one in scores], positive) == 1 - wanted


def test_it_is_the_share_of_pairs_whatever_the_order() -> None:
    rng = Random(0)
    scores = [float(rng.randrange(20)) for _ in range(200)]
    positive = [rng.random() < 0.2 + score / 40 for score in scores]
    good = [score for score, one in zip(scores, positive, strict=True) if one]
    other = [score for score, one in zip(scores, positive, strict=True) if not one]
    won = sum((a > b) + (a == b) / 2 for a in good for b in other)
    assert area(scores, positive) == pytest.approx(won / len(good) / len(other))
    assert area(scores[::-1], positive[::-1]) == area(scores, positive)


@pytest.mark.parametrize(
    ("scores", "positive", "message"),
    [
        ([0.1, 0.2], [True, True], "All 2 answers are of one kind"),
        ([], [], "All 0 answers are of one kind"),
        ([0.1], [True, False], "1 scores for 2 labels"),
        ([0.1, math.nan], [True, False], "score of answer 1 is no number"),
    ],
)
def test_what_has_no_area(scores: list[float], positive: list[bool], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        area(scores, positive)
    with pytest.raises(EvaluationError, match=message):
        area_over_problems(scores, positive, [str(at) for at in range(len(scores))])


def test_the_interval_is_over_problems_and_not_over_their_answers() -> None:
    rng = Random(1)
    scores = [rng.gauss(1 if at % 2 else 0, 1) for at in range(60)]
    positive = [at % 2 == 1 for at in range(60)]
    single = area_over_problems(scores, positive, [str(at) for at in range(60)])
    copied = area_over_problems(scores * 4, positive * 4, [str(at) for at in range(60)] * 4)
    assert copied == single, "four copies of each answer tell nothing new"
    loose = area_over_problems(scores * 4, positive * 4, [str(at) for at in range(240)])
    assert loose.high - loose.low < (single.high - single.low) * 0.7
    assert single.low < single.value < single.high
    assert single.value == area(scores, positive)
    assert area_over_problems(scores, positive, [str(at) for at in range(60)], seed=1) != single


def test_no_draw_of_one_problem_holds_both_kinds_where_each_is_of_one() -> None:
    told = area_over_problems([0.1, 0.9], [False, True], ["a", "b"])
    assert told == (1.0, 1.0, 1.0), "draws of one problem alone are left out"
    assert area_over_problems([0.9, 0.1], [False, True], ["a", "a"]) == (0.0, 0.0, 0.0)
    with pytest.raises(EvaluationError, match="No draw of 2 problems"):
        area_over_problems([0.1, 0.9], [False, True], ["a", "b"], resamples=0)
