"""Whether an example fits a format: an example that would lose something in it is told, never bent."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from langdistill.errors import UnknownName
from langdistill.records import Example

Format = Callable[[Example], list[dict[str, Any]]]
"""The rows of an example, as a trainer reads them. Raises `Unfit` where the format has no place for something in it."""
PROTOCOL_FILES = {"__init__", "fitting"}


class Unfit(Exception):
    """An example that a format cannot hold whole; the reason is a slug that rejects are counted by."""

    @property
    def reason(self) -> str:
        """The slug."""
        return str(self.args[0])


def format_names() -> list[str]:
    """The formats that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PROTOCOL_FILES)


def find_format(name: str) -> Format:
    """The format of that name: `rows` of its file.

    Raises:
        UnknownName: there is none.
    """
    if name not in format_names():
        raise UnknownName("format", name, format_names())
    return import_module(f"langdistill.datasets.formats.{name}").rows
