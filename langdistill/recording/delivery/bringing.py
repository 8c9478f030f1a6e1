"""What has ended, from a backlog into an open store: traces in batches, and the feedback after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from langdistill.errors import StoreError
from langdistill.recording.capture.runs import Lose
from langdistill.recording.delivery.backlog import Backlog, Event, assembled
from langdistill.recording.delivery.resuming import Resuming
from langdistill.recording.keeping import Policy
from langdistill.records import Feedback, Trace
from langdistill.stores.protocol import Store


class Bringing:
    """One store and what it may be brought. A store that fails is told of; what it takes never, is lost."""

    def __init__(self, store: Store, policy: Policy, lose: Lose, tell: Callable[[Exception], None]) -> None:
        """Bring to this store what the policy lets stay.

        Args:
            store: an open one.
            policy: what stays.
            lose: told of every loss.
            tell: told of the error of a store that fails, and that is to be tried again.
        """
        self.store = store
        self.added = 0
        """How often the store has taken traces."""
        self._policy, self._lose, self._tell = policy, lose, tell
        self._resuming = Resuming(store)

    def bring(self, backlog: Backlog) -> bool:
        """Bring all that has ended; whether the store has it. What it has not stays in the backlog.

        Raises:
            Exception: the store failed while it was asked what a run continues, or in an unforeseen way.
        """
        while batch := backlog.batch(self._trace):
            if not self._add([trace for trace in batch.values() if trace]):
                return False
            backlog.deliver()
        return self._bring_feedback(backlog)

    def _trace(self, events: list[Event]) -> Trace | None:
        """The trace of a run's events, `None` where it cannot be made or does not stay."""
        try:
            trace, lost = assembled(events)
        except Exception:
            self._lose(len(events), "the events of a run, since no trace could be made of them")
            return None
        if lost:
            self._lose(lost, "events, since what they belong to was lost")
        return trace and self._policy.settle(self._resuming.link(trace))

    def _add(self, traces: Sequence[Trace]) -> bool:
        """Bring traces to the store: whether they are there, or will never be."""
        if not traces:
            return True
        try:
            self.store.add(traces)
            self.added += 1
        except StoreError as error:
            self._tell(error)
            return False
        except Exception:
            if len(traces) == 1:  # it is the trace that is at fault, and it must not stop the others
                self._lose(1, "a trace, since the store could not write it")
                return True
            return all(self._add([trace]) for trace in traces)
        return True

    def _bring_feedback(self, backlog: Backlog) -> bool:
        while backlog.said:
            _, at, trace, name, score, comment = orjson.loads(backlog.said[0].payload)
            try:
                feedback = Feedback(name=name, score=score, comment=comment, at=at)
                self.store.add_feedback(trace, feedback, until=self._policy.until(at))
            except StoreError as error:
                self._tell(error)
                return False
            except Exception:
                self._lose(1, "feedback, since the store could not write it")
            backlog.said.popleft().deliver()
        return True
