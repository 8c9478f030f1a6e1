"""An agent to be recorded, and what a test needs to hold the recorder to account: every event is in a trace, or lost."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from langdistill import TraceRecorder
from langdistill.recording.capture.facts import is_node
from langdistill.records import Trace
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.models import ScriptedChatModel


@tool
def add(a: int, b: int) -> str:
    """Add."""
    return f"{a} + {b} is {a + b}"


def script(messages: list[Any], at: int) -> AIMessage:
    if messages[-1].type == "human":
        calls = [{"name": "add", "args": {"a": 1, "b": one}, "id": f"c{one}"} for one in range(2)]
        return AIMessage("I add.", tool_calls=calls)
    return AIMessage(f"done with {messages[0].text[:100]}")


def agent(tools: list[Any] | None = None, model: Any = None) -> Any:
    return create_agent(model or ScriptedChatModel(script=script), [add, *(tools or [])])


class Counted(BaseCallbackHandler):
    """How many events LangChain tells that a recorder writes down."""

    run_inline = True

    def __init__(self) -> None:
        self.count = 0
        self._nodes: set[UUID] = set()
        self._lock = threading.Lock()

    def _one(self, *_: Any, **__: Any) -> None:
        with self._lock:
            self.count += 1

    def on_chain_start(self, _: Any, inputs: Any, *, run_id: UUID, parent_run_id: Any = None, **more: Any) -> None:
        if parent_run_id is None or is_node(more.get("tags"), more.get("name")):
            self._nodes.add(run_id)
            self._one()

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        if run_id in self._nodes:
            self._one()

    on_chat_model_start = on_llm_end = on_tool_start = on_tool_end = _one  # type: ignore[assignment]


def events_of(traces: Iterable[Trace]) -> int:
    """How many events traces were made of, in which nothing failed."""
    total = 0
    for trace in traces:
        began = [*trace.steps, *trace.calls, *trace.tool_runs]
        ended = [one for one in trace.steps if one.outcome == "ended"]
        ended += [one for one in (*trace.calls, *trace.tool_runs) if one.error is None]
        total += 1 + len(began) + len(ended) + (trace.outcome == "ended")
    return total


def asked(text: str = "Add.") -> dict[str, Any]:
    return {"messages": [("user", text)]}


def said(output: dict[str, Any]) -> list[Any]:
    """An agent's output without the ids, which are chance."""
    return [(one.type, one.content, getattr(one, "tool_calls", None)) for one in output["messages"]]


def run(recorder: Any, times: int = 1, question: str = "Add.") -> Counted:
    """Run the agent, and see to it that it answers as it does when nobody listens."""
    counted = Counted()
    plain = said(agent().invoke(asked(question)))
    for _ in range(times):
        assert said(agent().invoke(asked(question), {"callbacks": [recorder, counted]})) == plain
    return counted


def stored(path: Path) -> list[Trace]:
    store = SQLiteStore(path, must_exist=True)
    try:
        return list(store.traces())
    finally:
        store.close()


def settled(recorder: TraceRecorder) -> list[Trace]:
    assert recorder.flush(60)
    return list(recorder.store.traces())


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name.startswith("langdistill")]
