"""A callback that turns live runs into traces: it never blocks a run, never breaks one, and says when it lost something.

Inside the callback an event is copied, cleaned and put into the journal, because LangChain's objects change afterwards; a
thread assembles traces of events and takes them to the store. An interrupt or a hand-off between agents is no error. A call
that gets no end event, as one that was cancelled, is closed with its root.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from asyncio import CancelledError
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.tracers.context import register_configure_hook

from langdistill.recording.callbacks import Callbacks
from langdistill.recording.capture.runs import Run
from langdistill.recording.capture.writing import Writing
from langdistill.recording.delivery.delivery import Delivery
from langdistill.recording.journal.journal import MOST_BYTES
from langdistill.recording.keeping import Keep, Policy, Sample, sampled
from langdistill.recording.privacy.redaction import Redactor
from langdistill.recording.privacy.secrets import secrets
from langdistill.stores.protocol import Store

log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds that `flush` and the end of a `with` block wait for the store."""

_switched_on: ContextVar[TraceRecorder | None] = ContextVar("langdistill_recorder", default=None)
register_configure_hook(_switched_on, inheritable=True)

_recorders: weakref.WeakSet[TraceRecorder] = weakref.WeakSet()
_parents: list[Any] = []
"""What a forked child has got of its parent, and must neither use nor close."""


_paused: list[Delivery] = []
FORK_PATIENCE = 2.0
"""Seconds that a fork waits for a store that is at work."""


def _before_fork() -> None:
    for recorder in list(_recorders):
        delivery = recorder._delivery  # pyright: ignore[reportPrivateUsage]
        if delivery.pause(FORK_PATIENCE):
            _paused.append(delivery)


def _after_fork_in_parent() -> None:
    while _paused:
        _paused.pop().go_on()


def _after_fork_in_child() -> None:
    _paused.clear()
    for recorder in list(_recorders):
        recorder._forked()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


class TraceRecorder(Callbacks):
    """Records every root run that it is given to as callback.

        recorder = TraceRecorder("traces.db")
        graph.invoke(question, config={"callbacks": [recorder]})     # or: with recorder: ...

    A process should close it, or use it as a context manager, or call `flush` before it reads the store.
    """

    def __init__(
        self,
        store: str | Path | Store,
        *,
        redact: Sequence[Redactor] | None = None,
        sample: Sample = 1.0,
        keep: Keep | None = None,
        feedback_window: timedelta = timedelta(days=1),
        retain: timedelta | None = None,
        consent: str | None = None,
        licence: str | None = None,
        journal: str | Path | None = None,
        journal_bytes: int = MOST_BYTES,
        open_later: bool = False,
    ) -> None:
        """Open the store, or make it.

        Args:
            store: path of an SQLite file, "postgresql://...", or a store.
            redact: what is hidden before anything is written; `secrets()` by default, `()` for nothing.
            sample: which root runs are recorded at all: a share of them (by thread, so that a conversation stays whole), or a
                function of the run's metadata.
            keep: which traces stay, told by the whole trace; `troubled` is one. Without it all do.
            feedback_window: how long a trace that `keep` refuses waits for bad feedback, which makes it stay.
            retain: how long a trace stays; for ever by default.
            consent: what users agreed to, for runs whose metadata has no "consent".
            licence: terms of the texts, for runs whose metadata has no "licence".
            journal: folder for what the store does not have yet; beside an SQLite file by default.
            journal_bytes: how much of it there may be. A sixteenth of it is the most that one event may take.
            open_later: begin although the store cannot be opened yet; what is recorded waits in the journal until it can.

        Raises:
            StoreError: the store cannot be opened, or the journal cannot be made.
        """
        self._redactors = (secrets(),) if redact is None else tuple(redact)
        self._sample = sample
        self._defaults = {"consent": consent, "licence": licence}
        self._place = Path(journal).resolve() if journal else None
        self._journal_bytes = journal_bytes
        self._policy = Policy(keep, feedback_window, retain)
        self._target = store
        self._lock = threading.RLock()  # a generator that is collected in a callback calls back on the same thread
        self._losing = threading.RLock()
        self._tokens: list[Token[TraceRecorder | None]] = []
        self._closed = False
        self.losses: Counter[str] = Counter()
        """What could not be recorded, by reason."""
        self._start(open_later=open_later)
        _recorders.add(self)
        atexit.register(self.close)  # a script that ends without closing loses nothing

    def _start(self, *, open_later: bool) -> None:
        self._delivery = Delivery(
            self._target,
            self._place,
            self._policy,
            self._lock,
            self._lose,
            most=self._journal_bytes,
            open_later=open_later,
        )
        largest = self._delivery.journal.largest
        self._writing = Writing(self._delivery.append, self._redactors, self._defaults, self._lose, largest)
        self._owner = os.getpid()

    def _forked(self) -> None:
        """In a child: the thread is gone, a lock may be held for ever, and store and journal are the parent's."""
        _parents.append(self._delivery)
        self._delivery.abandon()
        self._lock, self._losing, self.losses = threading.RLock(), threading.RLock(), Counter()
        self._writing.forget_runs()

    def _wake_up(self) -> None:
        """Only a child that records anything needs a thread and a journal of its own."""
        if self._owner == os.getpid():
            return
        self._target = getattr(self._target, "target", self._target)  # what is open is the parent's
        self._start(open_later=True)  # this is inside a callback, which must not wait for a server
        if processes := sys.modules.get("multiprocessing.util"):
            processes.Finalize(None, self.close, exitpriority=0)  # its children end without what atexit knows

    def _begin_root(
        self,
        run_id: UUID,
        name: str | None,
        kind: str,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any] | None,
        inputs: Any,
    ) -> Run:
        if self._closed:
            raise RuntimeError("the recorder was closed before the run began")
        self._wake_up()
        silent = not self._sampled(run_id, metadata or {})
        run = self._writing.begin_root(run_id, name or "", kind, tags, metadata or {}, inputs, silent=silent)
        if kind == "model":
            run.root.end_with_task(lambda: self.on_llm_error(CancelledError(), run_id=run_id))
        elif kind == "tool":
            run.root.end_with_task(lambda: self.on_tool_error(CancelledError(), run_id=run_id))
        return run

    def _sampled(self, run_id: UUID, metadata: Mapping[str, Any]) -> bool:
        """A run of which that cannot be told is not recorded, nor is anything inside of it."""
        try:
            return sampled(self._sample, run_id, metadata)
        except Exception:
            self._lose(1, "a run, since the function that tells which runs to record failed")
            return False

    # what went wrong

    def _lose(self, count: int, what: str) -> None:
        with self._losing:
            first = not self.losses
            self.losses[what] += count
        if first:
            log.warning(
                "The recorder lost %s. Further losses are counted in `lost`, and not told.",
                what,
                exc_info=sys.exc_info()[0] is not None,
            )

    @property
    def closed(self) -> bool:
        """Whether it records nothing any more."""
        return self._closed

    @property
    def lost(self) -> int:
        """How much of what happened is in no trace: events, and values.

        An event is what one call of LangChain told, the beginning or the end of a run, or one piece of feedback. It counts
        once: where it could not be written, since the journal was full, say; where it was written and cannot be read any
        more; and where it says something of a beginning that was lost. A message, argument or output that was too large
        counts as one, and so does a trace that the store refuses. `losses` tells the reasons. What waits in the journal for
        the store is not lost, and what `sample` and `keep` refuse is not either.
        """
        return sum(self.losses.values())

    # for the user

    @property
    def store(self) -> Store:
        """The store that is recorded into; `flush` before it is read."""
        return self._delivery.store

    def feedback(
        self, run_id: str | UUID, *, score: float | None = None, comment: str | None = None, name: str | None = None
    ) -> None:
        """Add what a user said of a run, by the id of its root. Never waits for the store."""
        with self._lock:
            self._wake_up()
            self._writing.feedback(str(run_id), name, score, comment, time.time())

    def flush(self, timeout: float | None = PATIENCE) -> bool:
        """Wait until every trace that has ended is in the store.

        Args:
            timeout: seconds; `None` for as long as it takes.

        Returns:
            Whether it came about.
        """
        return self._owner != os.getpid() or self._delivery.flush(timeout)

    def close(self) -> None:
        """Bring what has ended to the store, and close it. What it does not take is kept in the journal for the next start."""
        atexit.unregister(self.close)
        with self._lock:
            if self._closed or self._owner != os.getpid():
                return
            self._closed = True
        self._delivery.close()

    def __enter__(self) -> TraceRecorder:
        """Record every run inside the block, without passing callbacks."""
        self._tokens.append(_switched_on.set(self))
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop recording and flush; the recorder stays open."""
        _switched_on.reset(self._tokens.pop())
        self.flush()
