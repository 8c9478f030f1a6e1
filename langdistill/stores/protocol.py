"""What a store of traces can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from langdistill.records import Feedback, Outcome, Trace

BAD = 0.5
"""Feedback with a lower score makes a trace stay that would have been forgotten."""


@dataclass(frozen=True)
class Where:
    """Which traces; a field that is `None` limits nothing."""

    graph: str | None = None
    """Name of the root run."""
    strategy: str | None = None
    problem: str | None = None
    thread: str | None = None
    user: str | None = None
    since: float | None = None
    """Started then or later; seconds since the epoch."""
    before: float | None = None
    """Started earlier than that; seconds since the epoch."""
    expired: bool = False
    """Also those whose time is over and that are still there: who removes a user's traces must find them."""


EVERYTHING = Where()


@dataclass(frozen=True)
class Row:
    """A trace in one line: what is known of it without reading its body."""

    id: str
    name: str
    strategy: str | None
    thread: str | None
    user: str | None
    started: float
    """Seconds since the epoch."""
    seconds: float
    calls: int
    input_tokens: int
    output_tokens: int
    outcome: Outcome
    error: str | None
    scores: list[float] = field(default_factory=list)
    """Of its feedback, in the order in which it was given."""


@dataclass(frozen=True)
class Derived:
    """A data set that was harvested from the store."""

    path: str
    """Its folder, when it was written."""
    hash: str
    """Of its rows; the same as in its manifest, and in the card of a student of it."""
    rows: list[list[str]]
    """Per row, kept or rejected: the ids of the traces that it was made of."""


@runtime_checkable
class Store(Protocol):
    """Holds traces; safe to use from several threads.

    Every method raises `StoreError` where the store is broken, and `StoreBusy` where it is locked or does not answer
    right now. Texts in `Where`, in a `Row` and ids are compared without NUL characters and lone surrogates.
    """

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep the traces, all or none of them.

        One with a known id replaces it and keeps the feedback given so far; the feedback in it is kept, too, and none twice.
        """
        ...

    def traces(self, where: Where = EVERYTHING, *, newest: int | None = None) -> Iterator[Trace]:
        """The traces, a page at a time, in the order in which they were first kept; expired ones are not shown.

        Args:
            where: which of them.
            newest: only so many of those kept last, and the last one first.
        """
        ...

    def by_problem(
        self, where: Where = EVERYTHING, *, first: str | None = None, beyond: str | None = None
    ) -> Iterator[Trace]:
        """The same traces in the order of their problems' ids (by code point), those of one problem as they were kept.

        Args:
            where: which of them.
            first: id of the first problem.
            beyond: id of the problem to stop before.
        """
        ...

    def problems(self, where: Where = EVERYTHING, *, every: int = 1) -> Iterator[str]:
        """The ids of the problems of these traces in that order: the first, and then each `every`-th."""
        ...

    def rows(self, where: Where = EVERYTHING, *, newest: int | None = None) -> Iterator[Row]:
        """The same traces in one line each, without reading their bodies."""
        ...

    def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id, `None` where there is none."""
        ...

    def add_feedback(self, trace_id: str, feedback: Feedback, *, until: float | None = None) -> None:
        """Add what a user said of a trace, which may come before its trace and then waits for it.

        A score below `BAD` makes a trace stay that would have been forgotten (see `Trace.expires`).

        Args:
            trace_id: id of the root run.
            feedback: what was said.
            until: how long a trace stays then, seconds since the epoch; `None` for good.
        """
        ...

    def remove(self, ids: Iterable[str]) -> int:
        """Remove these traces and what was said of them, so that nothing of them is left in the store's files.

        Returns how many there were.
        """
        ...

    def expire(self, now: float) -> int:
        """Remove the traces whose `expires` is earlier than `now` (seconds since the epoch); returns how many there were."""
        ...

    def names(self) -> dict[str, int]:
        """Graph name to the number of its traces."""
        ...

    def add_derived(self, dataset: Derived) -> None:
        """Note a data set that was made of these traces.

        The same rows at the same path replace it; others there do not, for students may have learnt from it.
        """
        ...

    def derived(self) -> list[Derived]:
        """The data sets that were made of this store's traces, by path and hash."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
