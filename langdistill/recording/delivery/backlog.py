"""The events of one journal that are not in the store yet, by the run that they belong to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import RLock
from typing import NamedTuple

import orjson

from langdistill.recording.capture.events import Kind
from langdistill.recording.delivery.assembly import Assembly
from langdistill.recording.journal.journal import Journal
from langdistill.recording.journal.segments import Entry, Segment
from langdistill.records import Trace

MOST_ROOTS, MOST_BYTES = 100, 1 << 20
"""Runs and bytes of events that are taken to the store in one transaction, and held as traces at once."""


class Loose(NamedTuple):
    """The end of a run for which the journal had no room: in memory alone, so that the rest of the trace is not lost."""

    kind: int
    root: int
    number: int
    payload: bytes

    @property
    def length(self) -> int:
        """Bytes of the event."""
        return len(self.payload)

    def deliver(self) -> None:
        """Nothing is left of it anyway."""


Event = Entry | Loose


class Backlog:
    """What waits, sorted."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.roots: dict[int, list[Event]] = {}
        self.said: deque[Event] = deque()
        """Feedback."""
        self._ended: dict[int, None] = {}
        self._batch: dict[int, Trace | None] = {}
        for event in events:
            self.take(event)

    def take(self, event: Event) -> None:
        """One event more."""
        if event.kind == Kind.FEEDBACK:
            self.said.append(event)
            return
        self.roots.setdefault(event.root, []).append(event)
        if event.kind == Kind.END:
            self._ended[event.root] = None

    def end_all(self) -> None:
        """No run goes on."""
        self._ended |= dict.fromkeys(self.roots)

    def batch(self, trace_of: Callable[[list[Event]], Trace | None]) -> dict[int, Trace | None]:
        """The traces of runs that have ended, the oldest first; the same ones again until they are delivered."""
        size = 0
        for root in () if self._batch else self._ended:
            size += sum(event.length for event in self.roots[root])
            if self._batch and (len(self._batch) == MOST_ROOTS or size > MOST_BYTES):
                break
            self._batch[root] = trace_of(self.roots[root])
        return self._batch

    def deliver(self) -> None:
        """The batch is in the store. The first event of a run is marked first: what counts is whether any is."""
        for root in self._batch:
            del self._ended[root]
            for event in self.roots.pop(root):
                event.deliver()
        self._batch = {}

    def carry_on(self, journal: Journal, lock: RLock) -> None:
        """Write the few events again that are left in a file: a run that takes days must not hold on to whole files.

        Args:
            journal: where they are, and go.
            lock: held by whoever writes events.
        """
        for segment, places in self._places().items():
            if segment not in journal.full or sum(entry.length for _, _, entry in places) * 4 > segment.size:
                continue
            for run, at, entry in places:
                with lock:
                    carried = journal.carry_on(entry)
                if carried is None:
                    return
                run[at] = carried

    def _places(self) -> dict[Segment, list[tuple[list[Event], int, Entry]]]:
        """What every file of the journal holds: the run, where in it, and the event."""
        found: dict[Segment, list[tuple[list[Event], int, Entry]]] = {}
        for run in self.roots.values():
            for at, event in enumerate(run):
                if isinstance(event, Entry):
                    found.setdefault(event.segment, []).append((run, at, event))
        return found

    def __len__(self) -> int:
        return sum(map(len, self.roots.values())) + len(self.said)


class Assembled(NamedTuple):
    """What became of the events of a run."""

    trace: Trace | None
    lost: int
    """Events that are in no trace."""


def assembled(events: list[Event]) -> Assembled:
    """The trace of a run's events, in their order. It tells itself of those that are missing between them.

    Raises:
        Exception: they were not written by this version.
    """
    assembly = Assembly()
    for event in events:
        assembly.take(orjson.loads(event.payload))
    lost = assembly.missing
    trace = assembly.trace()
    if trace is None:
        return Assembled(None, len(events))
    if gaps := events[-1].number + 1 - len(events):
        trace = trace.model_copy(update={"lost": trace.lost + gaps})
    return Assembled(trace, lost)
