"""What LangChain and LangGraph call while something runs; each call is told to `Writing`, and none is ever felt by the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any
from uuid import UUID

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.outputs import LLMResult
from langgraph.callbacks import GraphCallbackHandler, GraphInterruptEvent

from langdistill.recording.capture import facts
from langdistill.recording.capture.runs import Run
from langdistill.recording.capture.writing import Writing


def _harmless(method: Callable[..., None]) -> Callable[..., None]:
    """An event that cannot be recorded is counted, told once, and never felt by the run."""

    @wraps(method)
    def safely(self: Callbacks, *args: Any, **kwargs: Any) -> None:
        try:
            with self._lock:  # pyright: ignore[reportPrivateUsage]
                method(self, *args, **kwargs)
        except Exception:
            self._lose(1, f"an event of {method.__name__}")  # pyright: ignore[reportPrivateUsage]

    return safely


class Callbacks(GraphCallbackHandler):
    """The callbacks of a recorder."""

    run_inline = True

    _lock: threading.RLock
    _writing: Writing

    def _begin_root(
        self,
        run_id: UUID,
        name: str | None,
        kind: str,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any] | None,
        inputs: Any,
    ) -> Run:
        """A run that nothing encloses begins."""
        raise NotImplementedError

    def _lose(self, count: int, what: str) -> None:
        """So much was lost, for this reason."""
        raise NotImplementedError

    @_harmless
    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **_: Any,
    ) -> None:
        """A graph, a node or a Runnable begins."""
        if around := self._writing.around(parent_run_id, metadata):
            self._writing.begin_chain(around, run_id, name or "", tags, metadata or {}, inputs)
        else:
            self._begin_root(run_id, name, "chain", tags, metadata, inputs)

    @_harmless
    def on_chat_model_start(
        self,
        serialized: Any,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        invocation_params: Mapping[str, Any] | None = None,
        kind: str = "model",
        **_: Any,
    ) -> None:
        """A model call begins: the prompt, the sampling parameters and the tools on offer are copied."""
        name = str(name or (serialized or {}).get("name") or "")
        prompt = messages[0] if messages else []
        around = self._writing.around(parent_run_id, metadata)
        around = around or self._begin_root(run_id, name, kind, tags, metadata, prompt)
        self._writing.begin_call(around, run_id, name, tags, metadata or {}, prompt, invocation_params or {})

    def on_llm_start(self, serialized: Any, prompts: list[str], *, run_id: UUID, **kwargs: Any) -> None:
        """A model of texts instead of messages begins."""
        messages: list[list[BaseMessage]] = [[HumanMessage(prompt) for prompt in prompts]]
        # LangChain tells it in a task of its own, which does not last as long as the call
        self.on_chat_model_start(serialized, messages, run_id=run_id, **{**kwargs, "kind": "text"})

    @_harmless
    def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: Any = None,
        name: str | None = None,
        tool_call_id: str | None = None,
        **_: Any,
    ) -> None:
        """A tool begins, with the arguments it really gets."""
        name = str(name or (serialized or {}).get("name") or "")
        around = self._writing.around(parent_run_id, metadata)
        around = around or self._begin_root(run_id, name, "tool", tags, metadata, None)
        self._writing.begin_tool(around, run_id, name, tool_call_id, inputs if inputs is not None else input_str)

    def on_retriever_start(self, serialized: Any, query: str, *, run_id: UUID, **kwargs: Any) -> None:
        """A retriever begins: a tool whose argument is the query."""
        self.on_tool_start(serialized, query, run_id=run_id, **{**kwargs, "inputs": {"query": query}})

    @_harmless
    def on_llm_new_token(self, token: str, *, run_id: UUID, chunk: Any = None, **_: Any) -> None:
        """A part of a reply is streamed; it is held for the case that the rest never comes."""
        self._writing.heard(run_id, token, None if token else facts.reasoning_in(chunk))

    @_harmless
    def on_stream_event(self, event: Any, *, run_id: UUID, **_: Any) -> None:
        """The same, of a stream of events."""
        if event.get("event") == "content-block-delta":
            delta = event.get("delta", {})
            self._writing.heard(run_id, delta.get("text"), delta.get("reasoning"), of_event=True)

    @_harmless
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """A model call ends with its n replies."""
        self._writing.end_call(run_id, response, None)

    @_harmless
    def on_llm_error(self, error: BaseException, *, run_id: UUID, response: Any = None, **_: Any) -> None:
        """A model call fails; what it had streamed by then is kept."""
        self._writing.end_call(run_id, response if isinstance(response, LLMResult) else None, error)

    @_harmless
    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """A tool ends."""
        self._writing.end_tool(run_id, output, None)

    @_harmless
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """A tool fails."""
        self._writing.end_tool(run_id, None, error)

    @_harmless
    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **_: Any) -> None:
        """A retriever ends with documents."""
        found = [{"page_content": one.page_content, "metadata": one.metadata} for one in documents]
        self._writing.end_tool(run_id, found, None)

    @_harmless
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """A retriever fails."""
        self._writing.end_tool(run_id, None, error)

    @_harmless
    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **_: Any) -> None:
        """A graph, a node or a Runnable ends."""
        self._writing.end_chain(run_id, outputs, None, inputs)

    @_harmless
    def on_chain_error(self, error: BaseException, *, run_id: UUID, inputs: Any = None, **_: Any) -> None:
        """A graph, a node or a Runnable fails, asks a human or hands over."""
        self._writing.end_chain(run_id, None, error, inputs)

    @_harmless
    def on_interrupt(self, event: GraphInterruptEvent) -> None:
        """A graph stops to ask a human, or at a breakpoint, which nothing else tells of."""
        self._writing.stopped(event.run_id)
