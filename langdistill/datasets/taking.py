"""What a target with settings is: a frozen value that says which rows a problem gives.

A target without any may be a plain function from `Group` to `Rows`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from langdistill.groups import Group, Rows
from langdistill.named import Named


@dataclass(frozen=True)
class Taking(Named, ABC):
    """A target, found by the name of its file; its fields are its settings."""

    @abstractmethod
    def __call__(self, group: Group) -> Rows:
        """The rows that a problem gives, or why there are none."""


def commonest(reasons: Iterable[str]) -> str:
    """The reason of most runs, of equally many the first in the alphabet."""
    return min(Counter(reasons).items(), key=lambda one: (-one[1], one[0]))[0]
