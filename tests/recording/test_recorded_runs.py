from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langdistill.recording.recorder import TraceRecorder
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import ScriptedChatModel


def asked(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def recorder(store: MemoryStore):
    recorder = TraceRecorder(store)
    yield recorder
    recorder.close()


def test_all_replies_of_one_request_are_kept(store: MemoryStore, recorder: TraceRecorder) -> None:
    graph = create_self_consistency(ScriptedChatModel(script=lambda m, at: f"so\nAnswer: {at % 2}"), samples=5)
    graph.invoke(asked("Which?"), {"callbacks": [recorder], "metadata": {"problem": "p1"}})
    recorder.flush()
    [trace] = store.traces()
    [call] = trace.calls
    assert (len(call.replies), call.candidate, call.node, call.params["n"]) == (5, True, "sample", 5)
    assert (call.params["temperature"], call.usage.output_tokens) == (0.7, 15)
    assert (trace.name, trace.strategy, trace.problem, trace.answer) == (
        "self_consistency",
        "self_consistency",
        "p1",
        "0",
    )
    assert trace.input == [{"role": "user", "content": "Which?"}]
    assert trace.output == [{"role": "assistant", "content": "0"}]
    assert trace.metadata["params"]["samples"] == 5
    assert recorder.lost == 0


async def test_async_gives_the_same(store: MemoryStore, recorder: TraceRecorder) -> None:
    graph = create_self_consistency(ScriptedChatModel(script=lambda m, at: "Answer: 1"), samples=3)
    with recorder:
        await asyncio.gather(*(graph.ainvoke(asked(f"Q{i}"), {"metadata": {"problem": f"p{i}"}}) for i in range(5)))
    traces = list(store.traces())
    assert sorted((one.problem, one.input[0]["content"]) for one in traces) == [(f"p{i}", f"Q{i}") for i in range(5)]
    assert all(len(one.calls) == 1 and len(one.calls[0].replies) == 3 for one in traces)


def test_an_agent_with_two_parallel_tools(store: MemoryStore, recorder: TraceRecorder) -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    calls = [{"name": "add", "args": {"a": at, "b": 1}, "id": f"c{at}"} for at in range(2)]

    def script(messages: Any, at: int) -> AIMessage:
        return AIMessage("", tool_calls=calls) if at == 0 else AIMessage("done")

    agent = create_agent(ScriptedChatModel(script=script), [add])
    agent.invoke(asked("Add."), {"callbacks": [recorder]})
    recorder.flush()
    [trace] = store.traces()
    assert sorted((run.tool_call_id, run.arguments["a"]) for run in trace.tool_runs) == [("c0", 0), ("c1", 1)]
    assert [one["role"] for one in trace.output] == ["assistant", "tool", "tool", "assistant"]
    assert trace.output[0]["tool_calls"][1]["function"] == {"name": "add", "arguments": '{"a":1,"b":1}'}
    assert len(trace.calls) == 2


def test_an_interrupt_is_no_error(store: MemoryStore, recorder: TraceRecorder) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("human", lambda state: {"messages": [AIMessage(interrupt("?"))]})
    builder.add_edge(START, "human")
    graph = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"callbacks": [recorder], "configurable": {"thread_id": "t"}}
    graph.invoke(asked("Ask."), config)
    graph.invoke(Command(resume="yes"), config)
    recorder.flush()
    first, second = store.traces()
    assert (first.interrupted, first.error, first.thread) == (True, None, "t")
    assert (second.interrupted, second.error) == (False, None)


def test_a_hand_off_is_no_interrupt(store: MemoryStore, recorder: TraceRecorder) -> None:
    inner = StateGraph(MessagesState)
    inner.add_node("leave", lambda state: Command(graph=Command.PARENT, goto="end"))
    inner.add_edge(START, "leave")
    outer = StateGraph(MessagesState)
    outer.add_node("inner", inner.compile(), destinations=("end",))
    outer.add_node("end", lambda state: {"messages": [AIMessage("7")]})
    outer.add_edge(START, "inner")
    outer.compile().invoke(asked("Go."), {"callbacks": [recorder]})
    recorder.flush()
    [trace] = store.traces()
    assert (trace.interrupted, trace.error) == (False, None)


def test_a_failed_model_is_an_error(store: MemoryStore, recorder: TraceRecorder) -> None:
    def fail(messages: Any, at: int) -> str:
        raise ValueError("no")

    graph = create_self_consistency(ScriptedChatModel(script=fail), samples=2)
    with pytest.raises(ValueError, match="no"):
        graph.invoke(asked("Q"), {"callbacks": [recorder]})
    recorder.flush()
    [trace] = store.traces()
    assert "no" in (trace.error or "")
    assert "no" in (trace.calls[0].error or "")


async def test_a_cancelled_call_is_closed_with_its_root(store: MemoryStore, recorder: TraceRecorder) -> None:
    class Slow(ScriptedChatModel):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(60)

    graph = create_self_consistency(Slow(script=lambda m, at: ""), samples=2)
    task = asyncio.create_task(graph.ainvoke(asked("Q"), {"callbacks": [recorder]}))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    recorder.flush()
    [trace] = store.traces()
    assert trace.error
    assert [call.error for call in trace.calls] == ["cancelled"]


def test_twenty_threads_stay_apart(store: MemoryStore, recorder: TraceRecorder) -> None:
    graph = create_self_consistency(ScriptedChatModel(script=lambda m, at: f"Answer: {m[-1].text[:3]}"), samples=3)

    def work(at: int) -> None:
        graph.invoke(asked(f"Q{at:02}"), {"callbacks": [recorder], "metadata": {"problem": f"Q{at:02}"}})

    threads = [threading.Thread(target=work, args=(at,)) for at in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    recorder.flush()
    traces = list(store.traces())
    assert {one.problem for one in traces} == {f"Q{at:02}" for at in range(20)}
    assert all(one.input[0]["content"] == one.problem and one.answer == one.problem for one in traces)


def test_a_bare_model_is_a_root(store: MemoryStore, recorder: TraceRecorder) -> None:
    ScriptedChatModel(script=lambda m, at: "42").invoke("Q", {"callbacks": [recorder]})
    recorder.flush()
    [trace] = store.traces()
    assert (trace.input[0]["content"], trace.output[0]["content"], len(trace.calls)) == ("Q", "42", 1)


def test_what_is_edited_later_is_not_recorded(store: MemoryStore, recorder: TraceRecorder) -> None:
    schemas: list[Any] = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    model = ScriptedChatModel(script=lambda m, at: "42")
    question = HumanMessage([{"type": "text", "text": "Q"}])
    model.invoke([question], {"callbacks": [recorder]}, tools=schemas)
    question.content[0]["text"] = "changed"  # type: ignore[index]
    schemas[0]["function"]["name"] = "changed"
    recorder.flush()
    [trace] = store.traces()
    assert "changed" not in trace.model_dump_json()


def test_feedback_and_loss(tmp_path: Path) -> None:
    class Broken(MemoryStore):
        def add(self, traces: Any) -> None:
            raise OSError("full")

    recorder = TraceRecorder(tmp_path / "t.db")
    result = recorder
    ScriptedChatModel(script=lambda m, at: "1").invoke("Q", {"callbacks": [result]})
    recorder.flush()
    [trace] = recorder.store.traces()
    recorder.feedback(trace.id, score=1.0)
    recorder.flush()
    assert next(recorder.store.traces()).feedback[0].score == 1.0
    recorder.close()
    broken = TraceRecorder(Broken())
    ScriptedChatModel(script=lambda m, at: "1").invoke("Q", {"callbacks": [broken]})
    broken.flush()
    assert broken.lost == 1
    broken.close()
