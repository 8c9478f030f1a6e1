"""Which traces a harvest reads, and in which order: problem by problem, so that one problem at a time is in memory."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from langdistill.answers import Extract, final_answer
from langdistill.errors import StoreError
from langdistill.groups import Group, grouped
from langdistill.named import told
from langdistill.records import Outcome, Trace
from langdistill.stores.opening import open_store
from langdistill.stores.protocol import Store, Where
from langdistill.stores.sqlite import SQLiteStore

log = logging.getLogger(__name__)

Source = str | Path | Store | Iterable[Trace]
"""A store, the path or address of one, or traces from elsewhere (an importer)."""
AT_ONCE = 200
"""Traces of one transaction."""
GIVE = "Give the path or address of a store, a store, or traces: a list of them, or Files(path, format)."

T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """Which traces; a field that is `None` limits nothing."""

    graph: str | None = None
    """Name of the root run."""
    strategy: str | None = None
    node: str | None = None
    """Some call was made in the node of this name, or at this path from the root ("think/sample")."""
    model: str | None = None
    """Some call was answered by this model."""
    tag: str | None = None
    thread: str | None = None
    user: str | None = None
    since: float | None = None
    """Started then or later; seconds since the epoch."""
    before: float | None = None
    """Started earlier than that; seconds since the epoch."""
    outcome: Outcome | None = None
    """How the run stopped: "ended" leaves out what failed or was cancelled."""
    min_score: float | None = None
    """Mean score of its feedback, at the least; a trace without any is left out."""
    where: Callable[[Trace], bool] | None = None
    """Any other condition, of your own."""

    @property
    def params(self) -> dict[str, Any]:
        """What was asked for, as a manifest tells it."""
        return {one.name: told(getattr(self, one.name)) for one in fields(self) if getattr(self, one.name) is not None}

    @property
    def stored(self) -> Where:
        """The part that a store can select by without reading a trace's body."""
        return Where(
            graph=self.graph,
            strategy=self.strategy,
            thread=self.thread,
            user=self.user,
            since=self.since,
            before=self.before,
        )

    def takes(self, trace: Trace) -> bool:
        """Whether a trace that the store selected meets the other conditions, too."""
        return (
            (self.node is None or any(self.node in (call.node, call.path) for call in trace.calls))
            and (self.model is None or any(call.model == self.model for call in trace.calls))
            and (self.tag is None or self.tag in trace.tags)
            and (self.outcome is None or trace.outcome == self.outcome)
            and (self.min_score is None or self._liked(trace, self.min_score))
            and (self.where is None or self.where(trace))
        )

    @staticmethod
    def _liked(trace: Trace, at_least: float) -> bool:
        return trace.score is not None and trace.score >= at_least


@dataclass(frozen=True)
class Selected:
    """The selected traces of a store, as groups."""

    store: str | Path | Store
    selection: Selection = field(default_factory=Selection)
    extract: Extract = final_answer
    first: str | None = None
    """Id of the first problem; `None` begins at the beginning."""
    beyond: str | None = None
    """Id of the problem to stop before; `None` goes to the end."""

    def groups(self) -> Iterator[Group]:
        """One problem at a time, in the order of their ids.

        Raises:
            StoreError: the store is missing or cannot be read.
        """
        with opened(self.store) as store:
            traces = store.by_problem(self.selection.stored, first=self.first, beyond=self.beyond)
            yield from grouped(filter(self.selection.takes, traces), self.extract)

    def boundaries(self, size: int) -> list[str]:
        """Ids of every `size`-th problem, from the first: where the store can be cut into parts of equal size."""
        with opened(self.store) as store:
            return list(store.problems(self.selection.stored, every=size))

    def names(self) -> dict[str, int]:
        """What the store holds: graph name to the number of its traces."""
        with opened(self.store) as store:
            return store.names()


@contextmanager
def opened(target: str | Path | Store) -> Generator[Store]:
    """The store, closed afterwards unless the caller's own; it is never made."""
    store = open_store(target, must_exist=True)
    try:
        yield store
    finally:
        if store is not target:
            store.close()


@contextmanager
def stored(source: Source, selection: Selection, extract: Extract) -> Generator[Selected]:
    """The selection over a store; traces from elsewhere are put into one, on disk, for the time of the harvest.

    Raises:
        StoreError: the source is neither.
    """
    if isinstance(source, (str, Path, Store)):
        yield Selected(source, selection, extract)
        return
    elsewhere: Any = source
    if isinstance(elsewhere, Trace) or not isinstance(elsewhere, Iterable):
        raise StoreError(f"A {type(elsewhere).__name__} is no source of a harvest. {GIVE}")
    with tempfile.TemporaryDirectory(prefix="langdistill-") as folder:
        path = Path(folder) / "traces.db"
        with closing(SQLiteStore(path)) as store:
            _fill(store, source)
        yield Selected(path, selection, extract)


def _fill(store: Store, traces: Iterable[Any]) -> None:
    given = 0
    for chunk in chunks(traces, AT_ONCE):
        if strange := [one for one in chunk if not isinstance(one, Trace)]:
            raise StoreError(f"A {type(strange[0]).__name__} stands among the traces of a harvest. {GIVE}")
        store.add(chunk)
        given += len(chunk)
    if left_out := given - sum(store.names().values()):
        log.warning(
            "%d of the %d traces of this harvest are left out: a later one has the same id, or they have expired.",
            left_out,
            given,
        )


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one shorter."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
