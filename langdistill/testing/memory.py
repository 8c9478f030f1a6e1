"""A store without a file."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence

from langdistill.errors import StoreError
from langdistill.records import Feedback, Trace


class MemoryStore:
    """Traces in a dict; gone with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: dict[str, Trace] = {}

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep these by their id."""
        with self._lock:
            self._traces |= {one.id: one for one in traces}

    def traces(
        self, *, graph: str | None = None, strategy: str | None = None, problem: str | None = None
    ) -> Iterator[Trace]:
        """All that match, in the order in which they were first added."""
        with self._lock:
            every = list(self._traces.values())
        for one in every:
            wanted = ((graph, one.name), (strategy, one.strategy), (problem, one.problem))
            if all(asked is None or asked == got for asked, got in wanted):
                yield one

    def add_feedback(self, trace_id: str, feedback: Feedback) -> None:
        """Append feedback to a trace.

        Raises:
            StoreError: there is no such trace.
        """
        with self._lock:
            if trace_id not in self._traces:
                raise StoreError(
                    f"This store holds no trace {trace_id!r}. Give the run_id of a root run that has ended."
                )
            trace = self._traces[trace_id]
            self._traces[trace_id] = trace.model_copy(update={"feedback": [*trace.feedback, feedback]})

    def count(self) -> int:
        """How many traces there are."""
        return len(self._traces)

    def names(self) -> dict[str, int]:
        """Traces per graph name."""
        return dict(Counter(one.name for one in self._traces.values()))

    def close(self) -> None:
        """Nothing is held open."""
