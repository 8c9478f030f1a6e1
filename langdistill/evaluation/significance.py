"""Whether a difference between two runs on the same problems may be chance.

Only the problems that one run got right and the other did not say anything about it (McNemar, 1947).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, erfc, sqrt
from random import Random


def mcnemar_exact(lost: int, gained: int) -> float:
    """Two-sided p-value of McNemar's test by the binomial distribution: valid for any number of changed problems.

    Args:
        lost: problems right before and wrong after.
        gained: problems wrong before and right after.
    """
    return min(1.0, 2 * _tail(max(lost, gained), lost + gained))


def mcnemar_corrected(lost: int, gained: int) -> float:
    """Two-sided p-value by the chi-squared distribution with continuity correction (Edwards, 1948).

    An approximation for 25 and more changed problems; 1 where none changed.
    """
    if lost == gained:
        return 1.0
    statistic = (abs(lost - gained) - 1) ** 2 / (lost + gained)
    return erfc(sqrt(statistic / 2))


def fell(lost: int, gained: int) -> float:
    """One-sided p-value of McNemar's exact test that it became worse."""
    return _tail(lost, lost + gained)


def bootstrap_difference(
    differences: Sequence[int], *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of paired differences, by resampling problems (Efron, 1979).

    Args:
        differences: one per problem; at least one.
        confidence: of the interval.
        resamples: how often as many problems are drawn, with replacement.
        seed: of the draws; the same arguments give the same interval.
    """
    rng, n = Random(seed), len(differences)
    means = sorted(sum(rng.choices(differences, k=n)) / n for _ in range(resamples))
    outside = (1 - confidence) / 2
    return means[int(outside * resamples)], means[min(resamples - 1, int((1 - outside) * resamples))]


def _tail(heads: int, tosses: int) -> float:
    """P(at least that many heads) of a fair coin; an exact fraction before it is a float."""
    return sum(comb(tosses, some) for some in range(heads, tosses + 1)) / 2**tosses
