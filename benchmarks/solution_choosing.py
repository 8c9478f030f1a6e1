"""What an Asker and a Truster are worth where two models, or four, have answered: on stored solutions, nothing is asked again.

The first answer is one model's, the "refinement" another's. Thresholds come from the validation part, figures from the test part.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from statistics import fmean
from typing import Any

import numpy as np
from solution_features import Array
from solution_models import MODELS, Asked, Split

from langdistill.evaluation.curves import majority
from langdistill.evaluation.sweep import Case, Point, Sweep, sweep

RATES = [tenth / 10 for tenth in range(11)]


def cases(
    asked: Sequence[Asked], questions: Sequence[int], pair: tuple[int, int], doubts: Array, scores: Array | None
) -> list[Case]:
    """The questions as cases of a sweep.

    Args:
        asked: all questions.
        questions: those that count.
        pair: the model that answers first, and the one that refines.
        doubts: how likely a solution is to be wrong, shape (questions, models).
        scores: the Truster's, of the same shape; without them what is refined is trusted.
    """
    first, second = pair
    return [
        Case(
            problem=asked[at].id,
            doubt=float(doubts[at, first]),
            first=asked[at].right[first],
            refined=asked[at].right[second] if asked[at].differs(first, second) else None,
            scores=None if scores is None else (float(scores[at, first]), float(scores[at, second])),
        )
        for at in questions
    ]


def of_pair(
    asked: Sequence[Asked], parts: Split, pair: tuple[int, int], doubts: Array, scores: Array
) -> dict[str, Any]:
    """Every way to choose between two models' answers, on the test part."""
    ways: dict[str, Any] = {"second": fmean(asked[at].right[pair[1]] for at in parts.test)}
    for trust, by in (("most_recent", None), ("truster", scores)):
        threshold = sweep(cases(asked, parts.validation, pair, doubts, by)).recommended.threshold
        tested = sweep(cases(asked, parts.test, pair, doubts, by))
        ways["first"] = told(tested.nothing)["accuracy"]
        ways[f"always, {trust}"] = told(tested.everything)
        ways[f"asker, {trust}"] = told(tested.at(threshold))
        ways[f"curve, {trust}"] = curve(tested)
    return ways


def curve(found: Sweep) -> list[float]:
    """Accuracy where at most no, a tenth, ... and all of the answers are refined, the most doubted first."""
    accuracies = list[float]()
    for rate in RATES:
        point = max((one for one in found.points if one.rate <= rate), key=lambda one: one.refined)
        accuracies.append(point.right / point.problems)
    return accuracies


def told(point: Point) -> dict[str, Any]:
    return {
        "threshold": point.threshold,
        "accuracy": point.right / point.problems,
        "rate": point.rate,
        "wrong_to_right": point.wrong_to_right,
        "right_to_wrong": point.right_to_wrong,
    }


def of_all_pairs(asked: Sequence[Asked], parts: Split, doubts: Array, scores: Array) -> dict[str, Any]:
    """All ordered pairs of models."""
    return {
        f"{MODELS[pair[0]]} > {MODELS[pair[1]]}": of_pair(asked, parts, pair, doubts, scores)
        for pair in permutations(range(len(MODELS)), 2)
    }


def selected(asked: Sequence[Asked], questions: Sequence[int], scores: Array) -> float:
    """Accuracy of the solution with the highest score of the four."""
    return fmean(asked[at].right[int(np.argmax(scores[at]))] for at in questions)


def selection(asked: Sequence[Asked], parts: Split, scores: dict[str, Array]) -> dict[str, Any]:
    """Choosing among all four, beside what no choice could beat, the vote, and the best single model of the training part."""
    right = {name: [asked[at].right[place] for at in parts.test] for place, name in enumerate(MODELS)}
    known = {name: fmean(asked[at].right[place] for at in parts.train) for place, name in enumerate(MODELS)}
    best = max(known, key=known.__getitem__)
    return {
        "oracle": fmean(any(asked[at].right) for at in parts.test),
        "majority": fmean(majority(asked[at].answers, asked[at].right, len(MODELS)) for at in parts.test),
        "best single": fmean(right[best]),
        **{f"Truster, {name}": selected(asked, parts.test, found) for name, found in scores.items()},
    }
