"""Rows that cannot be trained on: all of them are told at once, and none is left out or cut in silence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from langdistill.datasets.formats.unfit import Unfit
from langdistill.errors import DatasetError
from langdistill.students.train.objective import Row

T = TypeVar("T")


class Refused(Exception):
    """A row that cannot be trained on; says how such rows are told."""


@dataclass
class Refusals:
    """Rows that cannot be trained on, counted by reason, so that all are told at once."""

    found: dict[str, list[int]]

    def add(self, reason: str, row: int) -> None:
        """One more."""
        self.found.setdefault(reason, []).append(row)

    def tell(self, rows: int) -> None:
        """Raise if there are any.

        Raises:
            DatasetError: tells each reason, how many rows, and which is the first.
        """
        if not self.found:
            return
        told = "; ".join(
            f"{len(which)} {reason} (the first is row {which[0] + 1})" for reason, which in self.found.items()
        )
        raise DatasetError(
            f"Of {rows} rows some cannot be trained on, and none is left out or cut in silence: {told}. "
            "Raise max_length where they are too long for it, or drop them with a filter when you harvest."
        )


def checked(rows: Sequence[T], read: Callable[[T], Row]) -> list[Row]:
    """What each row is read as, in their order.

    Args:
        rows: as they were written.
        read: one of them; may raise `Refused` or `Unfit`.

    Raises:
        DatasetError: as `Refusals.tell`.
    """
    refusals, found = Refusals({}), list[Row]()
    for at, row in enumerate(rows):
        try:
            found.append(read(row))
        except Unfit as unfit:
            refusals.add(f"fail with {unfit.reason}", at)
        except Refused as refused:
            refusals.add(str(refused), at)
    refusals.tell(len(rows))
    return found
