"""The model calls that a condition of your own picks: what was asked, tools and all, and what was replied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from langdistill.datasets.calls import rows_of_calls
from langdistill.datasets.taking import Taking
from langdistill.groups import Group, Rows
from langdistill.records import Call


@dataclass(frozen=True)
class Picked(Taking):
    """See `call`."""

    where: Callable[[Call], bool]

    def __call__(self, group: Group) -> Rows:
        """A row for each reply of the calls that are picked."""
        return rows_of_calls(group, self.where)


def call(where: Callable[[Call], bool]) -> Picked:
    """The same as `node`, for any calls: those of one model, those that offered a certain tool.

    Args:
        where: which calls. A manifest tells it by its name.
    """
    return Picked(where)
