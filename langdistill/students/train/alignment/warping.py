"""Dynamic time warping of two token sequences with the edit distance between tokens as the cost, in linear memory.

Source: the recurrence is that of Fu et al., 2301.12726; the halving is Hirschberg's (1975), with the way's crossing of the middle
carried along instead of a second pass from the end, so that of several cheapest ways the same one is found as without halving.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import Levenshtein

BLOCK = 65_536
"""Pairs of tokens whose steps are kept at once, a byte each; a larger stretch is halved."""
DIAGONALLY, DOWN, ACROSS = 0, 1, 2
"""How the way comes to a pair: from the tokens before both, from ours before, from theirs before. Of equal costs the first."""

Pair = tuple[int, int]


def way(ours: Sequence[str], theirs: Sequence[str], *, block: int = BLOCK) -> list[Pair]:
    """Which tokens meet on the cheapest way through both, each meeting at least one.

    Time grows with the product of the lengths (about 0.3 µs a pair of tokens), memory with their sum.

    Args:
        ours: texts of tokens; length n.
        theirs: the same of another tokenisation; length m.
        block: pairs whose steps are kept at once.

    Returns:
        Indices of ours and of theirs, in no order; none where either is empty.
    """
    found: list[Pair] = []
    left = [(0, len(ours), 0, len(theirs))] if ours and theirs else []
    while left:
        i, i_end, j, j_end = left.pop()
        mine, other = ours[i:i_end], theirs[j:j_end]
        if len(mine) == 1 or len(mine) * len(other) <= block:
            found += [(i + one, j + two) for one, two in _traced(mine, other)]
        else:
            middle = len(mine) // 2
            leaves, enters = _crossing(mine, other, middle)
            left += [(i, i + middle, j, j + leaves + 1), (i + middle, i_end, j + enters, j_end)]
    return found


def _traced(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Pair]:
    """The way from its end to its start."""
    steps = list(_steps(ours, theirs))
    i, j = len(ours) - 1, len(theirs) - 1
    while i >= 0 and j >= 0:
        yield i, j
        how = steps[i][j]
        i, j = i - (how != ACROSS), j - (how != DOWN)


def _crossing(ours: Sequence[str], theirs: Sequence[str], middle: int) -> Pair:
    """The last of theirs that the way meets before our token at `middle`, and the first that this one meets."""
    carried: list[Pair] = []
    for at, steps in enumerate(_steps(ours, theirs)):
        if at < middle:
            continue
        above, carried = carried, []
        for j, how in enumerate(steps):
            if how == ACROSS:
                carried.append(carried[-1])
            elif at == middle:
                carried.append((j - (how == DIAGONALLY), j))
            else:
                carried.append(above[j - (how == DIAGONALLY)])
    return carried[-1]


def _steps(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[bytearray]:
    """For each of our tokens how the cheapest way comes to its pair with each of theirs."""
    distance = Levenshtein.distance
    above: list[float] = [math.inf] * len(theirs)
    diagonal: float = 0
    for mine in ours:
        steps, beside = bytearray(len(theirs)), math.inf
        for j, other in enumerate(theirs):
            best, up = diagonal, above[j]
            if up < best:
                best, steps[j] = up, DOWN
            if beside < best:
                best, steps[j] = beside, ACROSS
            above[j] = beside = best + distance(mine, other)
            diagonal = up
        diagonal = math.inf
        yield steps
