"""Solved problems of the training split, to be shown in the prompts of others.

Which ones a row shows depends on its problem and the seed alone, among the problems of the training split: not on the order of the
rows, the run, or where it runs.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import NamedTuple

from langdistill.datasets.formats.fitting import Unfit
from langdistill.datasets.renderings.wording import answer_in, plain, question_in, reasoning_in
from langdistill.records import Example, digest

MOST = 10_000
"""Exemplars that are drawn from, and held in memory; of a larger training split, these are a sample."""


class Exemplar(NamedTuple):
    """A solved problem."""

    family: frozenset[str]
    """Its id, and that of the problem that it was made from."""
    question: str
    reasoning: str | None
    answer: str


class Exemplars:
    """The exemplars of a training split."""

    def __init__(self, train: Iterable[Example], *, reasoned: bool, seed: int) -> None:
        """Choose them, in one pass.

        Args:
            train: the rows of the training split, those of a problem one after another.
            reasoned: whether only those with a reasoning are wanted.
            seed: of the draw.
        """
        self._seed = str(seed)
        drawn = heapq.nsmallest(MOST, self._of_problems(train, reasoned), key=lambda one: one[0])
        self._pool = [one for _, one in drawn]

    def for_row(self, example: Example, shots: int) -> list[Exemplar]:
        """The exemplars that an example's prompt shows: never of its own problem, or of one with the same seed problem.

        Raises:
            Unfit: there are not so many ("too-few-exemplars").
        """
        family, seen = family_of(example), set[int]()
        chosen: list[Exemplar] = []
        rng = Random(int(digest(self._seed, example.problem)[:16], 16))
        while len(chosen) < shots and len(seen) < len(self._pool):
            at = int(rng.random() * len(self._pool))
            if at not in seen and not self._pool[at].family & family:
                chosen.append(self._pool[at])
            seen.add(at)
        if len(chosen) < shots:
            raise Unfit("too-few-exemplars")
        return chosen

    def _of_problems(self, train: Iterable[Example], reasoned: bool) -> Iterator[tuple[str, Exemplar]]:
        """At most one of each problem, with its place in the draw."""
        for problem, rows in groupby(train, key=attrgetter("problem")):
            found = [(row.content, one) for row in rows if (one := exemplar_of(row, reasoned))]
            if found:
                yield digest(self._seed, problem), min(found, key=lambda one: one[0])[1]


def exemplar_of(example: Example, reasoned: bool) -> Exemplar | None:
    """An example as an exemplar; `None` where it lacks a part, is no single turn, or its question is not text alone."""
    if [one["role"] for one in example.messages if one["role"] != "system"] != ["user"]:
        return None
    if not isinstance(example.messages[-1]["content"], str):
        return None
    try:
        reasoning = reasoning_in(example) if reasoned else None
        return Exemplar(family_of(example), plain(question_in(example)), reasoning, answer_in(example))
    except Unfit:
        return None


def family_of(example: Example) -> frozenset[str]:
    """The problem and the one that it was made from."""
    return frozenset({example.problem, example.seed or example.problem})
