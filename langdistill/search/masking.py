"""A trace with its end masked, for a second model to complete: what comes after the cut is not shown.

Source: rStar (Qi et al., 2408.06195, section 3.3). The cut is between two steps, never within one; the authors' code cuts between words.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from langdistill.answers.lines import lines


def lines_of(steps: Sequence[str]) -> list[str]:
    """A trace in its smallest steps: the lines that hold anything."""
    return [line for step in steps for line in lines(step)]


def prefixes(lines: Sequence[str], count: int, mask: tuple[float, float], rng: Random) -> list[list[str]]:
    """Beginnings of a trace, each with a cut at another place, the shortest first; fewer where there are not so many places.

    Args:
        lines: of the trace; the last, which has the answer, is never shown.
        count: how many.
        mask: between which shares of the lines the cut lies. Where no cut does, the one nearest to their middle is taken.
        rng: draws the places.
    """
    cuts = range(len(lines))
    low, high = (share * len(lines) for share in mask)
    inside = [cut for cut in cuts if low <= cut <= high]
    if not inside:
        inside = [min(cuts, key=lambda cut: abs(cut - (low + high) / 2))] if lines else []
    chosen = sorted(rng.sample(inside, min(count, len(inside))))
    return [list(lines[:cut]) for cut in chosen]
