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
from langdistill.records import Example


@dataclass(frozen=True)
class Taking(Named, ABC):
    """A target, found by the name of its file; its fields are its settings."""

    @property
    def supervised(self) -> bool:
        """Whether gold answers were read for it; a manifest then says so."""
        return False

    def class_of(self, row: Example) -> str | None:
        """What a manifest counts its rows by: the classes that a row of it may be of; `None` where there are none."""
        return None

    @abstractmethod
    def __call__(self, group: Group) -> Rows:
        """The rows that a problem gives, or why there are none."""


def commonest(reasons: Iterable[str]) -> str:
    """The reason of most runs, of equally many the first in the alphabet."""
    return min(Counter(reasons).items(), key=lambda one: (-one[1], one[0]))[0]
