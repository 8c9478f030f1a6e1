"""Recording that is switched on for a whole process, by a call or by the environment."""

from __future__ import annotations

import logging
import os
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

from langchain_core.tracers.context import register_configure_hook

from langdistill.errors import LangdistillError, StoreBusy
from langdistill.recording.recorder import TraceRecorder
from langdistill.stores.protocol import Store

log = logging.getLogger(__name__)

VARIABLE = "LANGDISTILL_TRACE"
"""Names the store: the path of an SQLite file, or "postgresql://..."."""
OFF = {"", "0", "false", "no", "off"}


class _ProcessWide:
    """What LangChain asks for a recorder wherever a run begins. A context variable would be unset in new threads."""

    recorder: TraceRecorder | None = None
    registered = False

    def get(self) -> TraceRecorder | None:
        recorder = self.recorder
        return None if recorder is None or recorder.closed else recorder


_process_wide = _ProcessWide()


def record(store: str | Path | Store, **options: Any) -> TraceRecorder:
    """Record every run of this process, in every thread, until the recorder is closed. A second call replaces the first.

    Args:
        store: path of an SQLite file, "postgresql://...", or a store.
        options: those of `TraceRecorder`.

    Raises:
        StoreError: the store cannot be opened, or the journal cannot be made.
    """
    recorder = TraceRecorder(store, **options)
    if not _process_wide.registered:
        register_configure_hook(cast("ContextVar[Any]", _process_wide), inheritable=True)
        _process_wide.registered = True
    _process_wide.recorder = recorder
    return recorder


def follow_environment() -> None:
    """Record where LANGDISTILL_TRACE names a store; one that cannot be opened is told, and stops nobody."""
    store = os.environ.get(VARIABLE, "")
    if store.lower() in OFF:
        return
    try:
        try:
            record(store)
        except StoreBusy:  # a server that is not up yet: what is recorded waits for it
            record(store, open_later=True)
    except LangdistillError as error:
        log.warning("%s=%s: nothing is recorded. %s", VARIABLE, store, error)
