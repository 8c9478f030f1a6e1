"""Make a graph node of a generator body: the one place that knows sync from async.

The same body runs under `invoke` (requests in threads) and under `ainvoke` (requests on the event loop, the body's own code in a
thread beside it), with the caller's config, so that callbacks, tags, `max_concurrency` and cancellation are LangChain's own.

    builder.add_node("sample", node(sample))
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_stream_writer

from langdistill.fetching import Request, afetch, fetch

Body = Callable[[Any], Any]
"""A node's body: takes the state and yields `Ask`s, or lists of them, before it returns the update."""

Inside = Callable[[], AbstractContextManager[Any]]


def node(body: Body, *, inside: Inside = nullcontext) -> RunnableLambda[Any, Any]:
    """A graph node of a generator body; it runs under `invoke` and under `ainvoke`.

    Args:
        body: of the node.
        inside: a block that body and requests run in, such as `caching("replies.db")`; a new one for each run.
    """
    return _runnable(body, of_strategy=False, inside=inside)


def step(body: Body) -> RunnableLambda[Any, Any]:
    """A node of a strategy, whose graph has the state `questions.Thinking` and runs one node at a time.

    Beyond `node`: with a checkpointer, and a `max_concurrency` of none or at least 3, every reply is kept as soon as it is
    there, so that a run that is resumed in the midst of a fan-out pays for nothing twice; the replies are told as custom
    stream events; and what a budget cut short is said in the state.
    """
    return _runnable(body, of_strategy=True)


def _runnable(body: Body, *, of_strategy: bool, inside: Inside = nullcontext) -> RunnableLambda[Any, Any]:
    def run(state: Any, config: RunnableConfig) -> Any:
        visit = _Visit(body, state, config, of_strategy)
        with inside():
            while request := visit.next_request():
                while jobs := request.jobs():
                    request.settle(jobs, fetch(jobs, config, keep=of_strategy))
        return visit.update

    async def arun(state: Any, config: RunnableConfig) -> Any:
        # A body is synchronous code of whoever wrote it: what it parses or scores must not hold up the event loop.
        visit = _Visit(body, state, config, of_strategy)
        with inside():
            while request := await asyncio.to_thread(visit.next_request):
                while jobs := request.jobs():
                    request.settle(jobs, await afetch(jobs, config, keep=of_strategy))
        return visit.update

    return RunnableLambda(run, afunc=arun, name=body.__name__)


class _Visit:
    """One run of a body, from the state to the update."""

    def __init__(self, body: Body, state: Any, config: RunnableConfig, of_strategy: bool) -> None:
        self._body, self._state, self._config, self._of_strategy = body, state, config, of_strategy
        self._work: Any = None
        self._request: Request | None = None
        self._stopped = ""
        self.update: Any = None

    def next_request(self) -> Request | None:
        """Send the replies in; out comes the next request, or `None` when the update is there."""
        if self._work is None:
            self._work = self._body(self._state)
        if not inspect.isgenerator(self._work):
            self._finish(self._work)
            return None
        try:
            wanted: Any = next(self._work) if self._request is None else self._send(self._request)
        except StopIteration as finished:
            self._finish(finished.value)
            return None
        self._request = Request(wanted)
        return self._request

    def _send(self, request: Request) -> Any:
        """Hand the replies over, or raise where the body waits for them."""
        self._tell(request)
        self._stopped = request.cut or self._stopped
        try:
            replies = request.replies()
        except Exception as error:
            return self._work.throw(error)
        return self._work.send(replies)

    def _tell(self, request: Request) -> None:
        """The replies of a strategy's step as a custom stream event."""
        if not self._of_strategy:
            return
        metadata = self._config.get("metadata") or {}
        stream_writer()(
            {
                "strategy": metadata.get("strategy"),
                "step": metadata.get("langgraph_node"),
                "replies": request.texts(),
                "of_graph": any(one.of_graph for one in request.asks),
            }
        )

    def _finish(self, update: Any) -> None:
        """Keep the update; a strategy that was cut short says so in its state and on its message.

        The state of a thread outlives the run, so what was cut is kept with the length of the conversation it was cut at.
        """
        self.update = update
        if not self._of_strategy:
            return
        length, cut = len(self._state.get("messages") or []), self._state.get("cut") or {}
        stopped = self._stopped or (cut.get("by") if cut.get("at") == length else None)
        if self._stopped:
            update = self.update = {**(update or {}), "cut": {"at": length, "by": self._stopped}}
        if update and (messages := update.get("messages")):
            if stopped:
                messages[-1].response_metadata["stopped"] = stopped
            if stopped or self._state.get("stopped"):
                update["stopped"] = stopped


def stream_writer() -> Callable[[Any], None]:
    """LangGraph's writer of custom stream events; outside a graph one that writes nothing."""
    try:
        return get_stream_writer()
    except (RuntimeError, KeyError):  # the node is used outside a graph
        return lambda told: None
