"""The thread that takes events from the journal, makes traces of them and brings those to the store.

An event is delivered when the trace that it belongs to is in the store. Until then it stays in the journal, through a locked
store, a full disk and the death of the process; what a dead process has left behind is taken in by the next that starts.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import orjson

from langdistill.errors import StoreError
from langdistill.recording.assembly import Assembly
from langdistill.recording.events import Kind
from langdistill.recording.journal import Entry, FolderLock, Journal, left_behind, read_folder, remove_folder
from langdistill.recording.keeping import Keep
from langdistill.records import Feedback, Trace
from langdistill.stores.opening import Store, open_store

log = logging.getLogger(__name__)

Lose = Callable[[int, str], None]
"""How many events were lost, and why."""

AT_ONCE = 100
"""Most traces of one transaction."""
GATHER = 0.05
"""Seconds to wait for more, so that the agent's thread is disturbed less often."""
PATIENCE = (0.2, 30.0)
"""Seconds until a store that failed is tried again: at first, at most."""
EXPIRE_EVERY = 3600.0
MOST_INTERRUPTED = 10_000
"""Interrupted runs that are remembered; the others are looked up in the store."""
MOST_LOOKED_AT = 5
"""Traces of a thread among which the interrupted one is looked for, the newest first."""


class Loose(NamedTuple):
    """The end of a root for which the journal had no room: kept in memory, so that the rest of the trace is not lost."""

    kind: int
    root: int
    payload: bytes


@dataclass
class Policy:
    """Which traces stay, and how long."""

    keep: Keep | None = None
    feedback_window: timedelta = timedelta(days=1)
    retain: timedelta | None = None

    def settle(self, trace: Trace) -> Trace | None:
        """The trace with the time of its expiry; `None` where it goes at once."""
        until = trace.ended + self.retain.total_seconds() if self.retain else None
        if self.keep is not None and not self._stays(trace):
            window = self.feedback_window.total_seconds()
            if window <= 0:
                return None
            until = min(until or float("inf"), trace.ended + window)
        return trace.model_copy(update={"expires": until}) if until is not None else trace

    def _stays(self, trace: Trace) -> bool:
        try:
            return bool(self.keep and self.keep(trace))
        except Exception:
            log.warning("The function that tells which traces to keep failed; the trace is kept.", exc_info=True)
            return True


class Stopped(NamedTuple):
    """An interrupted trace, and how many messages its thread held then."""

    id: str
    messages: int


class Delivery:
    """One thread, one journal, one store."""

    def __init__(
        self,
        target: str | Path | Store,
        place: Path | None,
        policy: Policy,
        lock: threading.RLock,
        lose: Lose,
    ) -> None:
        """Open the store and the journal, on the thread: an event loop must not be blocked.

        Args:
            target: the store.
            place: folder of the journals; one that suits the store by default.
            policy: what stays.
            lock: held by whoever calls `append`.
            lose: told of every loss.

        Raises:
            StoreError: the store cannot be opened, or the journal cannot be made.
        """
        self._target, self._policy, self._lock, self._lose = target, policy, lock, lose
        self._place = place or _place_for(target)
        self._incoming: deque[Entry | Loose] = deque()
        self._waiting: dict[int, list[Entry | Loose]] = {}
        self._ended: dict[int, None] = {}
        self._said: list[Entry] = []
        self._interrupted: dict[str, Stopped] = {}
        self._wake, self._hurry, self._ready = threading.Event(), threading.Event(), threading.Event()
        self._flushes: list[threading.Event] = []
        self._stopping = False
        self._failed: BaseException | None = None
        self._told = False
        self._thread = threading.Thread(target=self._run, name="langdistill-recorder", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed:
            raise self._failed

    # called by the recorder

    def append(self, kind: Kind, root: int, payload: bytes) -> bool:
        """Put an event into the journal; whether there was room."""
        entry: Entry | Loose | None = self.journal.append(kind, root, payload)
        if entry is None:
            if kind is not Kind.END:
                self._wake.set()
                return False
            entry = Loose(kind, root, payload)
        self._incoming.append(entry)
        if kind >= Kind.END or self.journal.wanted.is_set():
            self._wake.set()
        return True

    def flush(self, timeout: float | None) -> bool:
        """Wait until every trace that has ended is in the store; whether that came about in time."""
        if not self._thread.is_alive():
            return False
        done = threading.Event()
        self._flushes.append(done)
        self._hurry.set()
        self._wake.set()
        return done.wait(timeout)

    def close(self) -> None:
        """Deliver what there is, once more; what the store does not take stays in the journal for the next start."""
        self._stopping = True
        self._hurry.set()
        self._wake.set()
        self._thread.join()

    def abandon(self) -> None:
        """In a forked child: thread, store and files are the parent's."""
        self.journal.abandon()

    # on the thread

    def _run(self) -> None:
        try:
            self._open()
        except BaseException as error:
            self._failed = error
            return
        finally:
            self._ready.set()
        self._take_in_what_was_left()
        patience, expired = PATIENCE[0], 0.0
        while True:
            stopping = self._stopping
            self._wake.clear()
            self._hurry.clear()
            ok = self._deliver()
            if ok and time.monotonic() - expired > EXPIRE_EVERY:
                self._guarded(lambda: None)
                expired = time.monotonic()
            if stopping:
                self._give_up_open_runs()
                break
            if ok:
                patience = PATIENCE[0]
                self._wake.wait()
                if not self._stopping:
                    self._hurry.wait(GATHER)
            else:
                self._hurry.wait(patience)
                patience = min(patience * 2, PATIENCE[1])
        self._close()

    def _open(self) -> None:
        self.store = open_store(self._target)
        folder = self._place / f"{os.getpid()}-{uuid4().hex[:8]}"
        try:
            self.journal = Journal(folder)
        except OSError as error:
            self.store.close()
            raise StoreError(
                f"The journal of the recorder cannot be made in {str(self._place)!r}: {error}. "
                "Make room there, or give another folder: TraceRecorder(..., journal=...)."
            ) from error

    def _deliver(self) -> bool:
        """Bring all that has ended to the store; whether it took it."""
        flushes = len(self._flushes)
        self._sort()
        ok = self._deliver_traces() and self._deliver_feedback()
        self._make_room()
        if ok:
            for done in self._flushes[:flushes]:
                done.set()
            del self._flushes[:flushes]
        return ok

    def _sort(self) -> None:
        while self._incoming:
            entry = self._incoming.popleft()
            if entry.kind == Kind.FEEDBACK:
                assert isinstance(entry, Entry)
                self._said.append(entry)
                continue
            self._waiting.setdefault(entry.root, []).append(entry)
            if entry.kind == Kind.END:
                self._ended[entry.root] = None

    def _deliver_traces(self) -> bool:
        while self._ended:
            roots = list(self._ended)[:AT_ONCE]
            traces: list[Trace] = []
            for root in roots:
                trace = self._assembled(self._waiting[root])
                if trace is not None:
                    traces.append(trace)
            if not self._add(traces):
                return False
            for root in roots:
                del self._ended[root]
                self._delivered(self._waiting.pop(root))
        return True

    def _assembled(self, entries: Sequence[Entry | Loose]) -> Trace | None:
        """The trace of a root's events, `None` where it cannot be made or does not stay."""
        try:
            assembly = Assembly()
            for entry in entries:
                assembly.take(orjson.loads(entry.payload))
            trace = assembly.trace()
        except Exception:
            self._lose(len(entries), "the events of a run, since no trace could be made of them")
            return None
        if trace is None:
            self._lose(len(entries), "the events of a run, since its beginning was lost")
            return None
        return self._policy.settle(self._linked(trace))

    def _linked(self, trace: Trace) -> Trace:
        """A run that goes on after an interrupt knows the trace that it continues, and what had been said before."""
        if trace.thread is None:
            return trace
        # after a breakpoint there is no answer: the graph is run on nothing new
        goes_on = trace.resume is not None or (trace.steps and trace.earlier == len(trace.input))
        if goes_on and (before := self._stopped(trace)):
            trace = trace.model_copy(update={"continues": before.id})
            if trace.earlier:  # else its state holds no conversation
                said, at = [*trace.input, *trace.output], before.messages
                trace = trace.model_copy(update={"input": said[:at], "output": said[at:], "earlier": len(said[:at])})
        if trace.interrupted and trace.thread:
            if len(self._interrupted) >= MOST_INTERRUPTED:
                self._interrupted.clear()
            self._interrupted[trace.thread] = Stopped(trace.id, len(trace.input) + len(trace.output))
        return trace

    def _stopped(self, trace: Trace) -> Stopped | None:
        """The interrupted run that this one resumes: recorded by this process, or by another one."""
        assert trace.thread
        if here := self._interrupted.pop(trace.thread, None):
            return here
        return None

    def _add(self, traces: Sequence[Trace]) -> bool:
        """Bring traces to the store: whether they are there, or will never be."""
        if not traces:
            return True
        try:
            self.store.add(traces)
        except StoreError as error:
            self._tell(error)
            return False
        except Exception:
            if len(traces) == 1:  # it is the trace that is at fault, and it must not stop the others
                self._lose(1, "a trace, since the store could not write it")
                return True
            return all(self._add([trace]) for trace in traces)
        self._told = False
        return True

    def _deliver_feedback(self) -> bool:
        while self._said:
            _, at, trace, name, score, comment = orjson.loads(self._said[0].payload)
            feedback = Feedback(name=name, score=score, comment=comment, at=at)
            try:
                self.store.add_feedback(trace, feedback)
            except StoreError as error:
                self._tell(error)
                return False
            except Exception:
                self._lose(1, "feedback, since the store could not write it")
            self._delivered([self._said.pop(0)])
        return True

    def _tell(self, error: StoreError) -> None:
        if not self._told:
            log.warning("The trace store fails; traces wait in the journal %s until it is back: %s", self._place, error)
        self._told = True

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            log.warning("Traces that have expired could not be removed.", exc_info=True)

    # room in the journal

    def _delivered(self, entries: Iterable[Entry | Loose]) -> None:
        for entry in entries:
            if isinstance(entry, Entry):
                entry.segment.delivered(entry)

    def _make_room(self) -> None:
        try:
            self.journal.drop_delivered()
            if self.journal.crowded:
                self._carry_on_long_runs()
                self.journal.drop_delivered()
            self.journal.prepare()
        except OSError as error:
            if not self._told:
                log.warning("The journal of the recorder in %s gets no room: %s", self._place, error)
            self._told = True

    def _carry_on_long_runs(self) -> None:
        """A run that takes days must not hold on to a whole file: its few events in the oldest one are written again."""
        oldest = self.journal.full[0] if self.journal.full else None
        held = [
            (waiting, at, entry)
            for waiting in self._waiting.values()
            for at, entry in enumerate(waiting)
            if isinstance(entry, Entry) and entry.segment is oldest
        ]
        if oldest is None or sum(entry.length for _, _, entry in held) * 2 > oldest.size:
            return
        for waiting, at, entry in held:
            with self._lock:  # an event may be written at the same time
                carried = self.journal.carry_on(entry)
            if carried is None:
                return
            waiting[at] = carried
            entry.segment.delivered(entry)

    # beginning and end

    def _take_in_what_was_left(self) -> None:
        """Traces of processes that died: their events are still in their journals."""
        try:
            for folder, lock in left_behind(self._place):
                self._take_in(folder, lock)
        except OSError as error:
            log.warning("What earlier processes left in %s cannot be read: %s", self._place, error)

    def _take_in(self, folder: Path, lock: FolderLock) -> None:
        try:
            entries, missing = read_folder(folder)
            roots: dict[int, list[Entry | Loose]] = {}
            for entry in entries:
                if entry.kind == Kind.FEEDBACK:
                    self._said.append(entry)
                else:
                    roots.setdefault(entry.root, []).append(entry)
            if missing:
                self._lose(missing, "events of an earlier process, since its journal is damaged")
            traces = [trace for events in roots.values() if (trace := self._assembled(events))]
            if self._add(traces) and self._deliver_feedback():
                remove_folder(folder)
        finally:
            lock.release()

    def _give_up_open_runs(self) -> None:
        """Runs that have not ended when the recorder is closed are kept as far as they have come."""
        self._ended |= dict.fromkeys(self._waiting)
        self._deliver_traces()
        undelivered = sum(map(len, self._waiting.values())) + len(self._said)
        if undelivered and not isinstance(self._target, (str, Path)):
            self._lose(undelivered, "events that the store did not take before the recorder was closed")

    def _close(self) -> None:
        try:
            self.journal.close()
            self.store.close()
        except Exception:
            log.warning("The recorder could not be closed.", exc_info=True)
        for done in self._flushes:
            done.set()


def _place_for(target: str | Path | Store) -> Path:
    """The folder of the journals: beside an SQLite file, else one of this machine."""
    if isinstance(target, Path) or (isinstance(target, str) and "://" not in target):
        return Path(f"{target}.journal.d")
    if isinstance(target, str):
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        return state / "langdistill" / sha256(target.encode()).hexdigest()[:16]
    return Path(tempfile.mkdtemp(prefix="langdistill-"))
