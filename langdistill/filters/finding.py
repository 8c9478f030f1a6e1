"""Find a filter by its name, which is that of its file and of its function."""

from __future__ import annotations

from pathlib import Path

from langdistill.filters.judging import Factory
from langdistill.finding import found_named, names_in

PROTOCOL_FILES = {"asking", "comparing", "finding", "gold", "judging"}


def filter_names() -> list[str]:
    """The filters that there are."""
    return names_in(Path(__file__).parent, besides=PROTOCOL_FILES)


def find_filter(name: str) -> Factory:
    """The filter's factory.

    Raises:
        UnknownName: there is no such filter.
    """
    return found_named("filter", name, "langdistill.filters", filter_names())
