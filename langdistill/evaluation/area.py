"""How well a number tells one kind from the other: the area under the ROC curve.

It is the chance that one drawn from the positives has a higher score than one drawn from the others, equal scores counted half (Hanley
and McNeil, 1982), which is Mann and Whitney's statistic (1947) over the number of such pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from math import isnan
from random import Random

from langdistill.errors import EvaluationError
from langdistill.intervals import Estimate


def area(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """The area under the curve, from 0 to 1; 0.5 is chance.

    Args:
        scores: one each, the higher the likelier to be positive; only their order counts.
        positive: whether each is.

    Raises:
        EvaluationError: not as many of both, a score is no number, or all are of one kind.
    """
    ranked = _ranked(scores, positive, range(len(scores)))
    found = _area(ranked, Counter(range(len(scores))))
    assert found is not None  # both kinds are there
    return found


def area_over_problems(
    scores: Sequence[float],
    positive: Sequence[bool],
    problems: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """The area with a 95 % interval over problems, whose answers are more alike than those of others.

    Percentile interval by resampling whole problems (Efron, 1979). Draws that are all of one kind have no area and are left out.

    Args:
        scores: one an answer, as of `area`.
        positive: whether each is.
        problems: the problem of each.
        resamples: how often as many problems are drawn, with replacement.
        seed: of the draws; the same arguments give the same interval.

    Raises:
        EvaluationError: as of `area`.
    """
    ranked, names = _ranked(scores, positive, problems), sorted(set(problems))
    rng = Random(seed)
    drawn = (_area(ranked, Counter(rng.choices(names, k=len(names)))) for _ in range(resamples))
    found = sorted(one for one in drawn if one is not None)
    if not found:
        raise EvaluationError(f"No draw of {len(names)} problems holds both kinds. Give more problems.")
    outside = int(0.025 * len(found))
    return Estimate(area(scores, positive), found[outside], found[-1 - outside])


Ranked = list[list[tuple[object, bool]]]
"""From the lowest score to the highest: the cluster of each that has it, and whether it is positive."""


def _ranked(scores: Sequence[float], positive: Sequence[bool], clusters: Sequence[object]) -> Ranked:
    if not len(scores) == len(positive) == len(clusters):
        raise EvaluationError(
            f"There are {len(scores)} scores for {len(positive)} labels of {len(clusters)} problems; give one of each an answer."
        )
    if any(map(isnan, scores)):
        raise EvaluationError(f"The score of answer {next(at for at, one in enumerate(scores) if isnan(one))} is no number.")  # fmt: skip
    if len(set(map(bool, positive))) < 2:
        raise EvaluationError(
            f"All {len(scores)} answers are of one kind: no area is under that curve. Give some of either kind."
        )
    order = sorted(range(len(scores)), key=scores.__getitem__)
    return [[(clusters[at], bool(positive[at])) for at in alike] for _, alike in groupby(order, scores.__getitem__)]


def _area(ranked: Ranked, weights: Counter[object]) -> float | None:
    """With each cluster counted so many times; `None` where one kind is missing."""
    won = below = positives = 0.0
    for alike in ranked:
        good = sum(weights[cluster] for cluster, positive in alike if positive)
        other = sum(weights[cluster] for cluster, positive in alike if not positive)
        won += good * (below + other / 2)
        below, positives = below + other, positives + good
    return won / (below * positives) if below and positives else None
