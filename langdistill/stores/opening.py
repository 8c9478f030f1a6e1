"""What a store can do, and how one is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from langdistill.records import Feedback, Trace
from langdistill.stores.sqlite import SQLiteStore


@runtime_checkable
class Store(Protocol):
    """Holds traces; safe to use from several threads."""

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep the traces; one with a known id replaces it."""
        ...

    def traces(
        self, *, graph: str | None = None, strategy: str | None = None, problem: str | None = None
    ) -> Iterator[Trace]:
        """The traces of a graph, a strategy or a problem, read one by one, oldest first."""
        ...

    def add_feedback(self, trace_id: str, feedback: Feedback) -> None:
        """Add what a user said of a trace."""
        ...

    def names(self) -> dict[str, int]:
        """Graph name to the number of its traces."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


def open_store(target: str | Path | Store, *, must_exist: bool = False) -> Store:
    """The store itself, or the SQLite file at a path.

    Args:
        target: a store, or the path of a file.
        must_exist: never make the file.

    Raises:
        StoreError: the file is missing, or is no trace store.
    """
    return SQLiteStore(target, must_exist=must_exist) if isinstance(target, (str, Path)) else target
