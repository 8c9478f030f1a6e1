"""When to stop mining before the last round: rules of our own beside the paper's constant three rounds.

A rule is a function from the reports of the rounds so far to why to stop, or `None`. Any such function serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langdistill.errors import MiningError

Report = Mapping[str, Any]
Stop = Callable[[Sequence[Report]], str | None]
"""From the reports of the rounds, oldest first, to why to stop; `None` goes on."""


def never(reports: Sequence[Report]) -> str | None:
    """Go on to the last round, as the paper does."""
    return None


def flat(figure: str, *, within: float, rounds: int = 2) -> Stop:
    """Stop when a figure has stayed within a range over the last rounds.

    Args:
        figure: of the report: "share_hard" or "mean_difference".
        within: largest distance between the highest and the lowest of them.
        rounds: how many are looked at, at least 2.

    Raises:
        MiningError: fewer than two rounds, or a range below 0.
    """
    if rounds < 2 or within < 0:
        raise MiningError(
            f"flat({rounds=}, {within=}) tells nothing: look at 2 rounds or more, and a range of 0 or more."
        )

    def rule(reports: Sequence[Report]) -> str | None:
        last = [one.get(figure) for one in reports[-rounds:]]
        known = [value for value in last if value is not None]
        if len(known) < rounds or max(known) - min(known) > within:
            return None
        return f"{figure} stayed within {within} over {rounds} rounds: {', '.join(f'{value:.3g}' for value in known)}"

    return rule
