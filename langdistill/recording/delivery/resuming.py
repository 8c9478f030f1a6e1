"""A run that goes on after a human was asked: which trace it continues, and what had been said before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langdistill.errors import StoreBusy, StoreError
from langdistill.recording.privacy.pseudonyms import PSEUDONYM
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
    started: float
    said: Mapping[str, int]
    """How often each message had been said; nothing where that cannot be read any more."""

    @classmethod
    def of(cls, trace: Trace) -> Stopped:
        """Everything that was said in a trace: a graph that holds an agent knows its messages only when that has ended."""
        replies = [reply.message for call in trace.calls for reply in call.replies]
        prompts = [message for call in trace.calls[-1:] for message in call.prompt]
        tools: list[Any] = [run.output for run in trace.tool_runs if isinstance(run.output, dict)]
        said: Counter[str] = Counter()
        for told in ([*trace.input, *trace.output], replies, prompts, tools):
            said |= _counted(told)  # a message that is told in several places was said once
        return cls(trace.id, trace.started, said)


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
            if trace.earlier and before.said:  # else its state holds no conversation
                said = [*trace.input, *trace.output]
                at = _own_from(said, before.said)
                trace = trace.model_copy(update={"input": said[:at], "output": said[at:], "earlier": at})
        if trace.interrupted and trace.thread:
            if len(self._stopped) >= MOST_REMEMBERED:
                self._stopped.clear()
            self._stopped[trace.thread] = Stopped.of(trace)
        return trace

    def _before(self, thread: str, started: float) -> Stopped | None:
        """The interrupted run that is resumed: recorded by this process, or, since then, by another one."""
        here = self._stopped.get(thread)
        rows = self._store.rows(Where(thread=thread, before=started), newest=MOST_LOOKED_AT)
        found = max((row for row in rows if row.outcome == "interrupted"), key=lambda row: row.started, default=None)
        if found is None or (here and here.started >= found.started):
            return here
        return self._stopped_at(found.id, found.started)

    def _stopped_at(self, trace: str, started: float) -> Stopped:
        try:
            found = self._store.trace(trace)
        except StoreBusy:
            raise
        except StoreError:  # one trace that cannot be read must not hold up all that are to be written
            found = None
        return Stopped.of(found) if found else Stopped(trace, started, {})


def _own_from(said: list[Message], before: Mapping[str, int]) -> int:
    """Where what is new begins: a message that is said again, word for word, is new."""
    left = Counter(before)
    for at, message in enumerate(said):
        key = _key(message)
        if not left[key]:
            return at
        left[key] -= 1
    return len(said)


def _counted(messages: Iterable[Message]) -> Counter[str]:
    return Counter(_key(message) for message in messages if "role" in message)


def _key(message: Message) -> str:
    """Of what was said. A human may have changed the arguments of a tool call, but never its id; stand-ins are every trace's own."""
    asked = [call.get("id") for call in message.get("tool_calls", [])]
    content = message.get("content")
    if isinstance(content, str) and "<" in content:
        content = PSEUDONYM.sub("<>", content)
    return digest([message["role"], content, asked])
