"""Intervals, so that no figure stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean, mean, stdev
from typing import Any, NamedTuple

STUDENT_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Two-sided 95 % quantiles of Student's t for 1 to 9 degrees of freedom."""


def wilson(right: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson, 1927); (0, 1) where nothing was tried."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, spread = right / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def student_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean of at least two values."""
    degrees = len(values) - 1
    quantile = STUDENT_T[degrees - 1] if degrees <= len(STUDENT_T) else _student_t(degrees)
    half = quantile * stdev(values) / sqrt(len(values))
    return mean(values) - half, mean(values) + half


def _student_t(degrees: int) -> float:
    """Fisher and Cornish's expansion (1960) of the quantile, in powers of 1 / degrees; from 10 degrees on right to three places."""
    z = NormalDist().inv_cdf(0.975)
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def over_seeds(values: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Mean over seeds and its 95 % interval by Student's t, clipped to proportions; at least two values."""
    low, high = student_interval(values)
    return mean(values), (max(0.0, low), min(1.0, high))


def told_over_seeds(values: Sequence[float | None], *, share: bool = True) -> dict[str, Any]:
    """Mean, interval and runs, as results keep them: over the seeds that have a value, without an interval where these are fewer than two.

    Args:
        values: one a seed.
        share: whether they are proportions, which an interval is clipped to; that of an amount is not.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return {"mean": known[0] if known else None, "interval": None, "runs": list(values)}
    interval = over_seeds(known)[1] if share else student_interval(known)
    return {"mean": mean(known), "interval": list(interval), "runs": list(values)}


class Estimate(NamedTuple):
    """A proportion over problems with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_share(shares: Sequence[float], *, most: int = 1) -> Estimate:
    """The mean of one share per problem, each from 0 to 1, with an interval over problems.

    Wilson's interval at the effective number of trials, p (1 - p) over the variance of the mean (Franco et al., 2019): for
    shares of 0 and 1 that is Wilson's own, and it is no point where all problems have the same share.

    Args:
        shares: one per problem, at least one.
        most: trials behind each share; the effective number is at most that many per problem.
    """
    n, value = len(shares), mean(shares)
    spread = fmean((share - value) ** 2 for share in shares)
    trials = min(n * most, n * value * (1 - value) / spread) if spread > 0 else n * most
    return Estimate(value, *wilson(value * trials, trials))
