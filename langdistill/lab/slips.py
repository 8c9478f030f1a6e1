"""The one way in which a document of the corpus gets something wrong.

A reader who works step by step, one who rephrases first and one who answers at once all read the same letters, flips
and digits, and each such reading slips here, with the same probability and towards the same wrong answers. No mode,
word length or task has a rate of its own, so whatever gap opens between System 1 and System 2 was not written into
the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

RATE = 0.05
"""Probability that one elementary reading (a letter of a word, a flip, an arithmetic step, an item's kind) goes
wrong."""


def read(rng: Random, right: T, wrong: Sequence[T]) -> T:
    """The outcome of one elementary reading: `right`, or with probability `RATE` one of `wrong` (repeats weigh more).

    A slip that lands on the right answer is drawn again, so the rate is exact; with nothing else to land on, there is
    none.
    """
    candidates = [other for other in wrong if other != right]
    return rng.choice(candidates) if candidates and rng.random() < RATE else right
