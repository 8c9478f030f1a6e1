"""A callback that turns live runs into traces: it never blocks a run, never breaks one, and says when it lost something.

Everything is copied inside the callback, because LangChain's objects change afterwards; a background thread writes the
finished trace to the store. An interrupt or a hand-off between agents is no error. A call that gets no end event, as one
that was cancelled, is closed with its root.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from pathlib import Path
from queue import Full, Queue
from threading import Lock, Thread
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.tracers.context import register_configure_hook
from langgraph.errors import GraphBubbleUp, GraphInterrupt

from langdistill.recording.messages import messages_in, plain
from langdistill.recording.runs import Open, Root
from langdistill.records import Feedback, Trace
from langdistill.stores.opening import open_store
from langdistill.stores.protocol import Store

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Traces that may wait for the store before new ones are dropped."""
AT_ONCE = 100
"""Most traces of one transaction."""
STOP = object()
SAMPLING = ("temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "n", "seed", "stop", "tool_choice")

_switched_on: ContextVar[TraceRecorder | None] = ContextVar("langdistill_recorder", default=None)
register_configure_hook(_switched_on, inheritable=True)


def _harmless(method: Callable[..., None]) -> Callable[..., None]:
    """An event that cannot be recorded is counted, told once, and never felt by the run."""

    def safely(self: TraceRecorder, *args: Any, **kwargs: Any) -> None:
        try:
            with self._lock:  # pyright: ignore[reportPrivateUsage]
                method(self, *args, **kwargs)
        except Exception:
            self._lose(1, f"an event of {method.__name__}")  # pyright: ignore[reportPrivateUsage]

    return safely


class TraceRecorder(BaseCallbackHandler):
    """Records every root run that it is given to as callback.

        recorder = TraceRecorder("traces.db")
        graph.invoke(question, config={"callbacks": [recorder]})     # or: with recorder: ...

    A process should close it, or use it as a context manager, or call `flush` before it reads the store.
    """

    run_inline = True

    def __init__(self, store: str | Path | Store) -> None:
        """Open the store, or make it.

        Raises:
            StoreError: the store cannot be opened.
        """
        self._store = open_store(store)
        self._lock = Lock()
        self._roots: dict[str, Root] = {}
        self._root_of: dict[str, str] = {}
        self._waiting: Queue[Any] = Queue(MOST_WAITING)
        self._tokens: list[Token[TraceRecorder | None]] = []
        self._closed = False
        self._losing = Lock()
        self.lost = 0
        """Events and traces that could not be recorded."""
        self._writer = Thread(target=self._write, name="langdistill-recorder", daemon=True)
        self._writer.start()
        atexit.register(self.close)  # a script that ends without closing loses nothing

    # runs

    @_harmless
    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        """A graph, a node or a Runnable begins; only a root is kept."""
        self._begin(run_id, parent_run_id, kwargs, inputs)

    @_harmless
    def on_chat_model_start(
        self,
        serialized: Any,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        """A model call begins: the prompt, the sampling parameters and the tools on offer are copied."""
        prompt = [plain(message) for message in messages[0]]
        root, run = self._begin(run_id, parent_run_id, kwargs, prompt)
        params: Mapping[str, Any] = kwargs.get("invocation_params") or {}
        run.fields = {
            "prompt": prompt,
            "params": {key: _plain_value(params[key]) for key in SAMPLING if params.get(key) is not None},
            "tools": [
                _plain_value(one) if isinstance(one, Mapping) else {"name": str(one)}
                for one in params.get("tools") or []
            ],
        }
        root.open_calls[run.id] = run

    @_harmless
    def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        inputs: Any = None,
        **kwargs: Any,
    ) -> None:
        """A tool begins, with the arguments it really gets."""
        kwargs.setdefault("name", (serialized or {}).get("name"))
        root, run = self._begin(run_id, parent_run_id, kwargs, None)
        arguments = inputs if inputs is not None else input_str
        run.fields = {"arguments": _plain_value(arguments), "tool_call_id": kwargs.get("tool_call_id")}
        root.open_tools[run.id] = run

    @_harmless
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A model call ends with its n replies."""
        if root := self._root(run_id):
            root.end_call(str(run_id), time.time(), response, None)
            self._end(root, run_id, response.generations[0][0].message if root.run.id == str(run_id) else None, None)  # type: ignore[union-attr]

    @_harmless
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A model call fails; what it had streamed by then is kept."""
        if root := self._root(run_id):
            response = kwargs.get("response")
            root.end_call(str(run_id), time.time(), response if isinstance(response, LLMResult) else None, repr(error))
            self._end(root, run_id, None, error)

    @_harmless
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool ends."""
        if root := self._root(run_id):
            failed = "error" if getattr(output, "status", None) == "error" else None
            root.end_tool(str(run_id), time.time(), _plain_value(output), failed)
            self._end(root, run_id, output, None)

    @_harmless
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool fails."""
        if root := self._root(run_id):
            root.end_tool(str(run_id), time.time(), None, repr(error))
            self._end(root, run_id, None, error)

    @_harmless
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A graph, a node or a Runnable ends."""
        if root := self._root(run_id):
            self._end(root, run_id, outputs, None)

    @_harmless
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A graph, a node or a Runnable fails, asks a human or hands over."""
        if root := self._root(run_id):
            self._end(root, run_id, None, error)

    def _begin(self, run_id: UUID, parent: UUID | None, told: Mapping[str, Any], inputs: Any) -> tuple[Root, Open]:
        run = Open(
            str(run_id),
            str(parent) if parent else None,
            told.get("name") or "",
            dict(told.get("metadata") or {}),
            time.time(),
        )
        root_id = self._root_of.get(run.parent or "")
        if root_id is None:  # a root, or a child of a run that was never announced
            root_id = run.id
            self._roots[root_id] = Root(run, list(told.get("tags") or []), messages_in(inputs))
        self._root_of[run.id] = root_id
        root = self._roots[root_id]
        root.members.add(run.id)
        return root, run

    def _root(self, run_id: UUID) -> Root | None:
        return self._roots.get(self._root_of.get(str(run_id), ""))

    def _end(self, root: Root, run_id: UUID, output: Any, error: BaseException | None) -> None:
        """Note an interrupt; where it was the root that ended, hand the trace on."""
        # a hand-off to the parent travels as an exception, too, and stops nothing
        root.interrupted |= isinstance(error, GraphInterrupt) or bool(
            isinstance(output, dict) and output.get("__interrupt__")
        )
        if root.run.id != str(run_id):
            return
        root.output = output
        for member in root.members:
            self._root_of.pop(member, None)
        del self._roots[root.run.id]
        failed = None if error is None or isinstance(error, GraphBubbleUp) else repr(error)
        if self._closed:
            self._lose(1, "a trace, since the recorder was closed before the run had ended")
            return
        try:
            self._waiting.put_nowait(root.trace(time.time(), failed))
        except Full:
            self._lose(1, "a trace, since the store is too slow")

    # the store

    def _write(self) -> None:
        stopped = False
        while not stopped:
            items = [self._waiting.get()]
            while len(items) < AT_ONCE and not self._waiting.empty():
                items.append(self._waiting.get())
            stopped = STOP in items
            self._add([item for item in items if isinstance(item, Trace)])
            for item in items:
                if callable(item):
                    item()
                self._waiting.task_done()

    def _add(self, traces: Sequence[Trace]) -> None:
        try:
            if traces:
                self._store.add(traces)
        except Exception as error:
            if len(traces) > 1:  # one that cannot be written must not take the others with it
                for trace in traces:
                    self._add([trace])
            else:
                self._lose(1, f"a trace, since the store failed: {error}")

    def _lose(self, count: int, what: str) -> None:
        with self._losing:
            first, self.lost = not self.lost, self.lost + count
        if first:
            log.warning(
                "The recorder lost %s. Further losses are counted in `lost`, and not told.", what, exc_info=True
            )

    def flush(self) -> None:
        """Wait until every trace that has ended is in the store."""
        self._waiting.join()

    def feedback(self, run_id: str | UUID, *, score: float | None = None, comment: str | None = None) -> None:
        """Add what a user said of a run; it waits for the trace of one that has not ended.

        Raises:
            StoreError: the store cannot be written.
        """
        self.flush()
        self._store.add_feedback(str(run_id), Feedback(score=score, comment=comment, at=time.time()))

    def close(self) -> None:
        """Write what is waiting, and close the store."""
        atexit.unregister(self.close)
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._waiting.put(STOP)
        self._writer.join()
        self._store.close()

    def __enter__(self) -> TraceRecorder:
        """Record every run inside the block, without passing callbacks."""
        self._tokens.append(_switched_on.set(self))
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop recording and flush; the recorder stays open."""
        _switched_on.reset(self._tokens.pop())
        self.flush()


def _plain_value(value: Any) -> Any:
    """A tool's arguments or output as plain data; what is none becomes its text."""
    if isinstance(value, BaseMessage):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(key): _plain_value(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_value(one) for one in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
