"""What a file holds that has no place in a trace, gathered while it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from langdistill.stores.importing import Unmapped

SHOWN = 200
"""Characters of a value that are shown of it."""


@dataclass
class Losses:
    """Gathers what could not be mapped at one place of a file; `at` gives the same gatherer for a place within."""

    where: str
    told: list[Unmapped] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter[str])
    """Fields that have no place in a trace, and in how many spans they were."""

    def at(self, where: str) -> Losses:
        """For a row, run or span within; what it gathers is gathered here."""
        return Losses(f"{self.where}, {where}", self.told, self.keys)

    def tell(self, reason: str, detail: str = "") -> None:
        """Something could not be mapped."""
        self.told.append(Unmapped(where=self.where, reason=reason, detail=detail))

    def left(self, fields: dict[str, Any], known: frozenset[str], prefix: str = "") -> None:
        """Count the fields that hold something and are not among the known ones."""
        self.keys.update(f"{prefix}{key}" for key, value in fields.items() if key not in known and not is_empty(value))

    def all(self) -> Iterator[Unmapped]:
        """What was gathered, the fields without a place last and together."""
        yield from self.told
        if self.keys:
            names = ", ".join(f"{key} ({count})" for key, count in sorted(self.keys.items()))
            yield Unmapped(
                where=self.where,
                reason="no-place",
                detail=f"A trace has no place for these, and for how many: {names}.",
            )


def is_empty(value: Any) -> bool:
    """Whether it says nothing: null, or empty."""
    return value is None or value in ("", [], {})


def shown(value: Any) -> str:
    """The beginning of a value, with its type."""
    text = str(value)
    return f"{type(value).__name__} {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}"
