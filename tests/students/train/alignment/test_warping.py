"""The cheapest way through two token sequences, halved and whole (Hirschberg, 1975)."""

from __future__ import annotations

import tracemalloc
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langdistill.students.train.alignment.warping import way

TOKENS = st.lists(st.text("ab ", max_size=3), max_size=12)


def distance(one: str, other: str) -> int:
    """Levenshtein's, by its definition."""
    if not one or not other:
        return len(one) + len(other)
    if one[0] == other[0]:
        return distance(one[1:], other[1:])
    return 1 + min(distance(one[1:], other), distance(one, other[1:]), distance(one[1:], other[1:]))


def textbook(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """Dynamic time warping with all its cells."""
    if not left or not right:
        return []
    costs: dict[tuple[int, int], tuple[int, tuple[int, int]]] = {(-1, -1): (0, (-1, -1))}
    for i, mine in enumerate(left):
        for j, other in enumerate(right):
            before = [one for one in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if one in costs]
            best = min(before, key=lambda one: costs[one][0])
            costs[i, j] = (costs[best][0] + distance(mine, other), best)
    found, place = [], (len(left) - 1, len(right) - 1)
    while place != (-1, -1):
        found.append(place)
        place = costs[place][1]
    return found[::-1]


@settings(max_examples=300, deadline=None)
@given(TOKENS, TOKENS, st.integers(1, 60))
def test_halved_or_not_it_is_the_way_of_the_textbook(left: list[str], right: list[str], block: int) -> None:
    assert sorted(way(left, right, block=block)) == textbook(left, right)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (["a", "b"], ["a", "b"], [(0, 0), (1, 1)]),
        (["a", "b"], ["a"], [(0, 0), (1, 0)]),
        (["cat", "s", "."], ["cats", "."], [(0, 0), (1, 1), (2, 1)]),
        (["a"], ["a", "b", "c"], [(0, 0), (0, 1), (0, 2)]),
        ([], ["a"], []),
    ],
)
def test_by_hand(left: list[str], right: list[str], expected: list[tuple[int, int]]) -> None:
    assert sorted(way(left, right)) == expected == sorted(way(left, right, block=1))


def test_memory_grows_with_the_sum_of_the_lengths() -> None:
    """Four times the tokens are sixteen times the pairs, and about four times the memory at its peak."""

    def peak(length: int) -> int:
        dice = Random(length)
        left, right = (["".join(dice.choices("abcdef", k=200)) for _ in range(length)] for _ in range(2))
        tracemalloc.start()
        way(left, right, block=1_000)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(600) < 8 * peak(150)
