"""A run that goes on after a human was asked: which trace it continues, and what had been said before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.records import Message, Trace, digest
from langdistill.stores.protocol import Store, Where

MOST_REMEMBERED = 1000
"""Interrupted runs of this process that are remembered; the others are looked up in the store."""
MOST_LOOKED_AT = 5
"""Traces of a thread among which the interrupted one is looked for, the newest first."""


@dataclass(frozen=True)
class Stopped:
    """An interrupted trace, and what had been said by then."""

    trace: str
    said: frozenset[str]

    @classmethod
    def of(cls, trace: Trace) -> Stopped:
        """Everything that was said in a trace: a graph that holds an agent knows its messages only when that has ended."""
        replies = [reply.message for call in trace.calls for reply in call.replies]
        prompts = [message for call in trace.calls[-1:] for message in call.prompt]
        tools: list[Any] = [run.output for run in trace.tool_runs if isinstance(run.output, dict)]
        said = [*trace.input, *trace.output, *replies, *prompts, *tools]
        return cls(trace.id, frozenset(_key(message) for message in said if "role" in message))


class Resuming:
    """Links the traces of a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopped: dict[str, Stopped] = {}

    def link(self, trace: Trace) -> Trace:
        """The trace, with the one that it continues; what had been said before is its input.

        Raises:
            StoreError: the store cannot be asked.
        """
        if trace.thread is None:
            return trace
        # after a breakpoint there is no answer: the graph is run on nothing new
        goes_on = trace.resume is not None or (trace.steps and trace.earlier == len(trace.input))
        if goes_on and (before := self._before(trace.thread, trace.started)):
            trace = trace.model_copy(update={"continues": before.trace})
            if trace.earlier:  # else its state holds no conversation
                said = [*trace.input, *trace.output]
                at = next((at for at, message in enumerate(said) if _key(message) not in before.said), len(said))
                trace = trace.model_copy(update={"input": said[:at], "output": said[at:], "earlier": at})
        if trace.interrupted and trace.thread:
            if len(self._stopped) >= MOST_REMEMBERED:
                self._stopped.clear()
            self._stopped[trace.thread] = Stopped.of(trace)
        return trace

    def _before(self, thread: str, started: float) -> Stopped | None:
        """The interrupted run that is resumed: recorded by this process, or by another one."""
        if here := self._stopped.get(thread):
            return here
        found = self._store.traces(Where(thread=thread, before=started), newest=MOST_LOOKED_AT)
        return next((Stopped.of(trace) for trace in found if trace.interrupted), None)


def _key(message: Message) -> str:
    """Of what was said. A human may have changed the arguments of a tool call, but never its id."""
    asked = [call.get("id") for call in message.get("tool_calls", [])]
    return digest([message["role"], message.get("content"), asked])
