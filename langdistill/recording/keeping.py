"""Which runs are recorded, told at their start, and which traces stay, told when they have ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zlib import crc32

from langdistill.records import Trace
from langdistill.stores.protocol import BAD

log = logging.getLogger(__name__)

Sample = float | Callable[[Mapping[str, Any]], bool]
"""A share of all root runs, or whether to record a run with this metadata."""
Keep = Callable[[Trace], bool]
"""Whether a trace stays."""


def sampled(sample: Sample, run: Any, metadata: Mapping[str, Any]) -> bool:
    """Whether a root run is recorded. Runs of one thread share their fate, so that a conversation is whole or absent."""
    if callable(sample):
        return bool(sample(metadata))
    if sample >= 1:
        return True
    return crc32(str(metadata.get("thread_id") or run).encode()) < sample * 2**32


def troubled(trace: Trace) -> bool:
    """Traces that failed, were cut or cancelled, lost something, had a failed call or tool, or got bad feedback."""
    return bool(
        trace.outcome in ("failed", "cancelled", "lost")
        or trace.lost
        or any(one.error for one in (*trace.calls, *trace.tool_runs))
        or any(one.score is not None and one.score < BAD for one in trace.feedback)
    )


def troubled_or(share: float) -> Keep:
    """All that are troubled, and a share of the others, by thread."""

    def keep(trace: Trace) -> bool:
        return troubled(trace) or sampled(share, trace.id, {"thread_id": trace.thread})

    return keep


@dataclass
class Policy:
    """Which traces stay, and how long."""

    keep: Keep | None = None
    feedback_window: timedelta = timedelta(days=1)
    retain: timedelta | None = None

    def settle(self, trace: Trace) -> Trace | None:
        """The trace with the time of its expiry; `None` where it goes at once."""
        until = self.until(trace.ended)
        if self.keep is not None and not self._stays(trace):
            window = self.feedback_window.total_seconds()
            if window <= 0:
                return None
            until = min(until or float("inf"), trace.ended + window)
        return trace.model_copy(update={"expires": until}) if until is not None else trace

    def until(self, at: float) -> float | None:
        """When something of that time goes; `None` for never."""
        return at + self.retain.total_seconds() if self.retain else None

    def _stays(self, trace: Trace) -> bool:
        try:
            return bool(self.keep and self.keep(trace))
        except Exception:
            log.warning("The function that tells which traces to keep failed; the trace is kept.", exc_info=True)
            return True
