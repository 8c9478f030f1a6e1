"""The thread that takes events from the journal, makes traces of them and brings those to the store.

An event is delivered when the trace that it belongs to is in the store. Until then it stays in the journal, through a locked
store, a full disk and the death of the process; what a dead process has left behind is taken in by the next that starts, or
by one that runs.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from pathlib import Path

from langdistill.errors import StoreError
from langdistill.recording.capture.events import Kind
from langdistill.recording.capture.runs import Lose
from langdistill.recording.delivery.backlog import Backlog, Event, Loose
from langdistill.recording.delivery.bringing import Bringing
from langdistill.recording.journal.bell import Bell
from langdistill.recording.journal.journal import MOST_BYTES, Journal, LeftBehind, left_behind, of_other_versions
from langdistill.recording.journal.places import place_of
from langdistill.recording.keeping import Policy
from langdistill.stores.opening import open_store
from langdistill.stores.protocol import Store

log = logging.getLogger(__name__)

GATHER = 0.05
"""Seconds to wait for more, so that the agent's thread is disturbed less often."""
PATIENCE = (0.2, 30.0)
"""Seconds until a store that failed is tried again: at first, at most."""
LAST_PATIENCE = 30.0
"""Seconds that `close` waits for a store that neither takes a trace nor fails, as a server that hangs."""
LOOK_EVERY = 60.0
"""Seconds until what dead processes have left behind is looked for again."""
EXPIRE_EVERY = 3600.0
"""Seconds until traces that have expired are removed again."""


class Delivery:
    """One thread, one journal, one store."""

    def __init__(
        self,
        target: str | Path | Store,
        place: Path | None,
        policy: Policy,
        lock: threading.RLock,
        lose: Lose,
        *,
        most: int = MOST_BYTES,
        open_later: bool = False,
    ) -> None:
        """Open the store and the journal, on the thread: SQLite's file stays with it.

        Args:
            target: the store.
            place: folder of the journals, of this store and of others; one that suits the store by default.
            policy: what stays.
            lock: held by whoever calls `append`.
            lose: told of every loss.
            most: bytes of the journal.
            open_later: do not wait for the store, and try again until it can be opened.

        Raises:
            StoreError: the store cannot be opened, or the journal cannot be made.
        """
        self._target, self._policy, self._lock, self._lose, self._most = target, policy, lock, lose, most
        self._open_later = open_later
        self._storing = threading.Lock()
        """Held while the store works: a child that is forked then would inherit SQLite's own locks, held for ever."""
        self._bringing: Bringing | None = None
        """To the store, once that is open."""
        self._place = place_of(target, place)
        self._numbers = {0: 0}
        """Number of the next event of every run that is open; feedback belongs to run 0."""
        self._incoming: deque[Event] = deque()
        self._live = Backlog()
        self._left: LeftBehind | None = None
        self._wake, self._hurry = Bell(), Bell()
        self._flushes: list[Future[bool]] = []
        self._stopping = self._told = False
        self._finished: bool | None = None
        """Whether the store had everything at the end."""
        self._carried = 0
        """How many full files there were when long runs were carried on."""
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=[opened], name="langdistill-recorder", daemon=True)
        self._thread.start()
        opened.result()

    # called by the recorder

    @property
    def store(self) -> Store:
        """The store.

        Raises:
            StoreError: it could not be opened yet.
        """
        if self._bringing is None:
            raise StoreError(
                "The trace store could not be opened yet; what is recorded waits in the journal. Try again later."
            )
        return self._bringing.store

    def append(self, kind: Kind, root: int, payload: bytes) -> str | None:
        """Put an event into the journal; why it could not be, or `None` where it is there."""
        if self._stopping:
            return "the recorder was closed"
        number = 0 if kind is Kind.ROOT else self._numbers.get(root)
        if number is None:
            return "the beginning of its run was lost"
        event: Event | None = self.journal.append(kind, root, number, payload)
        if event is None:
            if kind is not Kind.END:
                return "it is too large" if len(payload) > self.journal.largest else "the journal is full"
            event = Loose(kind, root, number, payload)
        self._numbers[root] = number + 1
        self._incoming.append(event)
        if kind >= Kind.END:
            if kind is Kind.END:
                del self._numbers[root]
            self._wake.ring()
        return None

    def flush(self, timeout: float | None) -> bool:
        """Wait until every trace that has ended is in the store; whether that came about in time."""
        done: Future[bool] = Future()
        with self._lock:
            if self._finished is not None:
                return self._finished
            self._flushes.append(done)
        self._hurry.ring()
        self._wake.ring()
        try:
            return done.result(timeout)
        except TookTooLong:
            return False

    def close(self) -> None:
        """Deliver what there is, once more; what the store does not take stays in the journal for the next start."""
        with self._lock:
            self._stopping = True
        self._hurry.ring()
        self._wake.ring()
        before = -1
        while self._thread.is_alive():
            added = self._bringing.added if self._bringing else 0
            if before == added:
                log.warning("The trace store does not answer; traces stay in the journal %s.", self._folder)
                return
            before = added
            self._thread.join(LAST_PATIENCE)

    def pause(self, patience: float) -> bool:
        """Let the store come to rest before a fork; whether it did in time. Then `go_on` must follow."""
        return self._storing.acquire(timeout=patience)

    def go_on(self) -> None:
        """The fork is over."""
        self._storing.release()

    def abandon(self) -> None:
        """In a forked child: thread, store and files are the parent's."""
        self.journal.abandon()
        if self._left:
            self._left.release()

    # on the thread

    def _run(self, opened: Future[None]) -> None:
        try:
            self._open()
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(None)
        self._tell_of_other_versions()
        patience, looked, folders = PATIENCE[0], time.monotonic(), left_behind(self._folder)
        expired = -EXPIRE_EVERY
        while True:
            stopping = self._stopping
            if time.monotonic() - looked > LOOK_EVERY:
                looked, folders = time.monotonic(), left_behind(self._folder)
            ok = self._turn(folders)
            if ok and time.monotonic() - expired > EXPIRE_EVERY:
                expired = time.monotonic()
                self._forget_expired()
            if stopping:
                break
            if ok:
                patience = PATIENCE[0]
                self._wake.wait(LOOK_EVERY)
                self._hurry.wait(GATHER)
            else:
                self._hurry.wait(patience)
                patience = min(patience * 2, PATIENCE[1])
        self._finish(ok=ok)

    def _open(self) -> None:
        if not self._open_later:
            self._bringing = self._opened()
        self._folder = self._place or Path(tempfile.mkdtemp(prefix="langdistill-"))
        try:
            self.journal = Journal(self._folder, most=self._most)
        except OSError as error:
            if self._bringing:
                self._bringing.store.close()
            raise StoreError(
                f"The journal of the recorder cannot be made in {str(self._folder)!r}: {error}. "
                "Make room there, or give another folder: TraceRecorder(..., journal=...)."
            ) from error

    def _opened(self) -> Bringing:
        return Bringing(open_store(self._target), self._policy, self._lose, self._tell)

    def _turn(self, folders: Iterator[LeftBehind]) -> bool:
        """Bring all that has ended to the store; whether it took it. Nothing that goes wrong may end the thread."""
        flushes = list(self._flushes)
        try:
            with self._storing:
                self._bringing = self._bringing or self._opened()
                ok = self._deliver(self._bringing, folders)
            self._make_room()
        except Exception as error:
            self._tell(error)
            return False
        self._told = self._told and not ok
        for done in flushes if ok else ():
            self._flushes.remove(done)
            done.set_result(True)
        return ok

    def _deliver(self, bringing: Bringing, folders: Iterator[LeftBehind]) -> bool:
        while left := self._left or next(folders, None):
            if left is not self._left:
                self._take_in(left)
            if not bringing.bring(self._old):
                return False
            left.remove()
            self._left = None
            if not self._bring_live(bringing):  # in between, since the own journal has little room
                return False
        return self._bring_live(bringing)

    def _take_in(self, left: LeftBehind) -> None:
        """The traces of a process that died: its events are still in its journal."""
        if left.missing:
            self._lose(left.missing, "events of an earlier process, since its journal is damaged")
        self._left, self._old = left, Backlog(left.entries)
        self._old.end_all()

    def _bring_live(self, bringing: Bringing) -> bool:
        while self._incoming:
            self._live.take(self._incoming.popleft())
        return bringing.bring(self._live)

    def _forget_expired(self) -> None:
        try:
            with self._storing:  # a fork waits for it
                self.store.expire(time.time())
        except Exception as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._told:
            log.warning(
                "The trace store fails; traces wait in the journal %s until it is back: %s",
                self._folder,
                error,
                exc_info=None if isinstance(error, StoreError) else error,
            )
        self._told = True

    def _tell_of_other_versions(self) -> None:
        for folder in of_other_versions(self._folder):
            log.warning("The journal %s is of another version of langdistill: start that one, or delete it.", folder)

    # room in the journal

    def _make_room(self) -> None:
        self.journal.drop_delivered()
        if self.journal.crowded and len(self.journal.full) > self._carried:
            self._live.carry_on(self.journal, self._lock)
            self.journal.drop_delivered()
        self._carried = len(self.journal.full)

    # the end

    def _finish(self, *, ok: bool) -> None:
        """Runs that have not ended are kept as far as they have come; the store has them, or the journal."""
        if ok:
            self._live.end_all()
            ok = self._turn(iter(()))
        self._let_go()
        if self._place is None:  # nobody will look there
            shutil.rmtree(self._folder, ignore_errors=True)
            if waiting := len(self._live):
                self._lose(waiting, "events that the store did not take before the recorder was closed")
        with self._lock:
            self._finished = ok
        for done in self._flushes:
            done.set_result(ok)

    def _let_go(self) -> None:
        if self._left:
            self._left.release()
        for close in (self.journal.close, *([self._bringing.store.close] if self._bringing else [])):
            try:
                close()
            except Exception:
                log.warning("The recorder could not be closed.", exc_info=True)
