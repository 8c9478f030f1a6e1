"""Values of a plural folder (filters, targets, formats, objectives): each goes by its file's name, and its fields are its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any


class Named:
    """What a frozen dataclass in a plural folder is."""

    @property
    def name(self) -> str:
        """The file and function that it is found by."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def params(self) -> dict[str, Any]:
        """Its settings as a manifest or a card tells them: JSON values, equal for what does alike."""
        return {one.name: told(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]


def told(value: Any) -> Any:
    """A setting as a manifest tells it: functions and models by their names."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): told(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(told(one) for one in value)
    if isinstance(value, (list, tuple)):
        return [told(one) for one in value]
    named = getattr(value, "name", None) or getattr(value, "__name__", None)
    return named if isinstance(named, str) else type(value).__name__
