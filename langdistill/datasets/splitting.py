"""Which side of the split a row is on: decided by its problem alone, so that it stays there when others come or go."""

from __future__ import annotations

from typing import Literal

from langdistill.records import Example, digest

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")


def side_of(example: Example, validation: float, seed: int) -> Split:
    """Its side, drawn by a hash of its problem, or of the seed problem that it was mined or reworded from.

    With a larger `validation` share those that were there stay there and others join them.
    """
    drawn = int(digest(str(seed), example.seed or example.problem)[:8], 16) / 16**8
    return "validation" if drawn < validation else "train"
