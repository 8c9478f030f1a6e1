"""A store without a file."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from langdistill.records import Feedback, Trace
from langdistill.stores.columns import LISTED, columns_of, is_bad, later, row_of, storable
from langdistill.stores.protocol import EVERYTHING, Derived, Row, Where


class MemoryStore:
    """Traces in a dict; gone with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: dict[str, Trace] = {}
        self._feedback: dict[str, list[Feedback]] = {}
        self._untils: dict[str, list[float | None]] = {}
        self._derived: dict[tuple[str, str], Derived] = {}

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep these by their id."""
        whole = list(traces)
        with self._lock:
            for one in whole:
                key = storable(one.id)
                expires = later(one.expires, self._untils.get(key, []))
                self._traces[key] = one.model_copy(update={"feedback": [], "expires": expires})
                for feedback in one.feedback:
                    self._say(key, feedback)

    def traces(self, where: Where = EVERYTHING, *, newest: int | None = None) -> Iterator[Trace]:
        """All that match, in the order in which they were first added."""
        with self._lock:
            found = [one for one in self._traces.values() if _matches(one, where)]
            found = found if newest is None else found[::-1][:newest]
            whole = [self._whole(one) for one in found]
        yield from whole

    def by_problem(
        self, where: Where = EVERYTHING, *, first: str | None = None, beyond: str | None = None
    ) -> Iterator[Trace]:
        """The same in the order of their problems."""
        found = sorted(self.traces(where), key=_problem)
        since, before = (None if one is None else storable(one) for one in (first, beyond))
        return (
            one
            for one in found
            if (since is None or _problem(one) >= since) and (before is None or _problem(one) < before)
        )

    def problems(self, where: Where = EVERYTHING, *, every: int = 1) -> Iterator[str]:
        """The ids of the problems, or each `every`-th."""
        return iter(sorted({_problem(one) for one in self.traces(where)})[::every])

    def rows(self, where: Where = EVERYTHING, *, newest: int | None = None) -> Iterator[Row]:
        """The same in one line each."""
        for one in self.traces(where, newest=newest):
            columns = columns_of(one)
            scores = [said.score for said in one.feedback if said.score is not None]
            yield row_of(tuple(columns[name] for name in LISTED), scores)

    def trace(self, trace_id: str) -> Trace | None:
        """The one of that id."""
        with self._lock:
            found = self._traces.get(storable(trace_id))
            return self._whole(found) if found and _matches(found, EVERYTHING) else None

    def add_feedback(self, trace_id: str, feedback: Feedback, *, until: float | None = None) -> None:
        """Append feedback to a trace, or let it wait for it; bad feedback makes the trace stay."""
        key = storable(trace_id)
        with self._lock:
            self._say(key, feedback)
            if is_bad(feedback):
                self._untils.setdefault(key, []).append(until)
                if known := self._traces.get(key):
                    self._traces[key] = known.model_copy(update={"expires": later(known.expires, [until])})

    def remove(self, ids: Iterable[str]) -> int:
        """Forget these."""
        with self._lock:
            return sum(self._forget(storable(one)) for one in ids)

    def expire(self, now: float) -> int:
        """Forget those whose time is over."""
        with self._lock:
            over = [key for key, one in self._traces.items() if one.expires is not None and one.expires < now]
            return sum(self._forget(key) for key in over)

    def count(self) -> int:
        """How many traces there are."""
        return len(self._traces)

    def names(self) -> dict[str, int]:
        """Traces per graph name."""
        return dict(sorted(Counter(storable(one.name) for one in self.traces()).items()))

    def add_derived(self, dataset: Derived) -> None:
        """Note a data set."""
        self._derived[dataset.path, dataset.hash] = dataset

    def derived(self) -> list[Derived]:
        """The data sets noted, by path."""
        return [self._derived[key] for key in sorted(self._derived)]

    def close(self) -> None:
        """Nothing is held open."""

    def _say(self, key: str, feedback: Feedback) -> None:
        said = self._feedback.setdefault(key, [])
        if feedback not in said:
            said.append(feedback)

    def _whole(self, trace: Trace) -> Trace:
        return trace.model_copy(update={"feedback": list(self._feedback.get(storable(trace.id), []))})

    def _forget(self, key: str) -> int:
        self._feedback.pop(key, None)
        self._untils.pop(key, None)
        return int(self._traces.pop(key, None) is not None)


def _problem(trace: Trace) -> str:
    return storable(trace.problem)


def _matches(trace: Trace, where: Where) -> bool:
    wanted = (
        (where.graph, trace.name),
        (where.strategy, trace.strategy),
        (where.problem, trace.problem),
        (where.thread, trace.thread),
        (where.user, trace.user),
    )
    return (
        all(asked is None or (got is not None and storable(asked) == storable(got)) for asked, got in wanted)
        and (where.since is None or trace.started >= where.since)
        and (where.before is None or trace.started < where.before)
        and (where.expired or trace.expires is None or trace.expires >= time.time())
    )
