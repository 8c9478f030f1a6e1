"""Steps that say the same: samples of one step often differ in nothing but case, spaces, marks or a number before them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from langdistill.answers.lines import lines

One = TypeVar("One")

LABEL = re.compile(
    r"^(?:[-•]\s+|(?:(?:step|sub-?question|question|thought)\s*)?\d+\s*[.):]\s+|(?:step|thought)\s*:\s*)", re.I
)
"""What stands before a step and is no part of it: "2.", "Step 2:", "- "."""
EMPHASIS = re.compile(r"\*\*|__|`")
SPACE = re.compile(r"\s+")
ENDING = ".!;,: "


def told_alike(text: str) -> str:
    """What is left of a step where labels, emphasis, case, spaces and the marks at the ends of lines are set aside.

    Two steps of which the same is left are one. Signs, numbers and words stay, so that "3 - 1" and "3 + 1" are two.
    """
    told = (SPACE.sub(" ", LABEL.sub("", EMPHASIS.sub("", line).strip())).rstrip(ENDING) for line in lines(text))
    return "\n".join(told).casefold()


def distinct(some: Iterable[One], key: Callable[[One], Hashable]) -> list[One]:
    """The first of each kind, in their order."""
    found: dict[Hashable, One] = {}
    for one in some:
        found.setdefault(key(one), one)
    return list(found.values())
