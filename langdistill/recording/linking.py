"""A run that goes on after an interrupt knows the trace that it continues, and what had been said before."""

from __future__ import annotations

from typing import NamedTuple

from langdistill.records import Trace

MOST_INTERRUPTED = 10_000
"""Interrupted runs that are remembered; the others are looked up in the store."""
MOST_LOOKED_AT = 5
"""Traces of a thread among which the interrupted one is looked for, the newest first."""


class Stopped(NamedTuple):
    """An interrupted trace, and how many messages its thread held then."""

    id: str
    messages: int


class Links:
    """Remembers which trace every thread has stopped at."""

    def __init__(self) -> None:
        self._stopped: dict[str, Stopped] = {}

    def link(self, trace: Trace) -> Trace:
        """The trace, linked to the one that it resumes. Each is told once, in the order in which they ended."""
        if trace.thread is None:
            return trace
        if trace.resume is not None and (before := self._before(trace.thread)):
            said = [*trace.input, *trace.output]
            trace = trace.model_copy(
                update={"continues": before.id, "input": said[: before.messages], "output": said[before.messages :],
                        "earlier": before.messages}
            )  # fmt: skip
        if trace.interrupted and trace.thread:
            if len(self._stopped) >= MOST_INTERRUPTED:
                self._stopped.clear()
            self._stopped[trace.thread] = Stopped(trace.id, len(trace.input) + len(trace.output))
        return trace

    def _before(self, thread: str) -> Stopped | None:
        """The interrupted run of a thread: recorded by this process, or by another one."""
        return self._stopped.pop(thread, None)
