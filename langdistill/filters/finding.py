"""Find a filter by its name, which is that of its file and of its function."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from langdistill.errors import UnknownName
from langdistill.filters.judging import Factory

PROTOCOL_FILES = {"__init__", "asking", "comparing", "finding", "gold", "judging"}


def filter_names() -> list[str]:
    """The filters that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PROTOCOL_FILES)


def find_filter(name: str) -> Factory:
    """The filter's factory.

    Raises:
        UnknownName: there is no such filter.
    """
    if name not in filter_names():
        raise UnknownName("filter", name, filter_names())
    found: Any = getattr(import_module(f"langdistill.filters.{name}"), name)
    return found
