"""What a target with settings is: a frozen value that says which rows a problem gives.

A target without any may be a plain function from `Group` to `Rows`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from langdistill.filters.judging import told
from langdistill.groups import Group, Rows


@dataclass(frozen=True)
class Taking(ABC):
    """A target, found by the name of its file; its fields are its settings."""

    @property
    def name(self) -> str:
        """As a manifest tells it."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def params(self) -> dict[str, Any]:
        """Its settings, as they go into a manifest."""
        return {one.name: told(getattr(self, one.name)) for one in fields(self)}

    @abstractmethod
    def __call__(self, group: Group) -> Rows:
        """The rows that a problem gives, or why there are none."""


def commonest(reasons: Iterable[str]) -> str:
    """The reason of most runs, of equally many the first in the alphabet."""
    return min(Counter(reasons).items(), key=lambda one: (-one[1], one[0]))[0]
