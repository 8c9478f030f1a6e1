"""What a row of a format must hold: values of the type that was expected, or the reason why the row is left out."""

from __future__ import annotations

import math
from typing import Any

from langdistill.stores.importing import Unmapped


class Unreadable(ValueError):
    """A row that is not of its format. Never leaves an importer: it becomes an `Unmapped`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"

    def at(self, where: str) -> Unmapped:
        """The same, as what is reported; a lone surrogate in it is an escape, so that it can be printed."""
        detail = self.detail.encode(errors="backslashreplace").decode()
        return Unmapped(where=where, reason=self.reason, detail=detail)


def an_object(value: Any, what: str) -> dict[str, Any]:
    """The value, which must be a JSON object.

    Raises:
        Unreadable: it is something else.
    """
    if not isinstance(value, dict):
        raise Unreadable("wrong-type", f"{what} is {kind(value)}, and an object was expected.")
    return value


def a_list(value: Any, what: str) -> list[Any]:
    """The value, which must be a JSON list.

    Raises:
        Unreadable: it is something else.
    """
    if not isinstance(value, list):
        raise Unreadable("wrong-type", f"{what} is {kind(value)}, and a list was expected.")
    return value


def kind(value: Any) -> str:
    """What JSON calls the type of a value."""
    names = {type(None): "null", bool: "a boolean", str: "a text", dict: "an object", list: "a list"}
    return names.get(type(value), "a number")


def a_text(value: Any) -> str | None:
    """The value where it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def within(value: Any, *keys: str) -> Any:
    """What lies inside of objects under the keys, `None` where one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def a_number(value: Any) -> float | None:
    """A number or a boolean as a float, `None` for anything else."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def a_count(value: Any) -> int:
    """A whole number that is not negative, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
