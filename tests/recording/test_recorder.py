from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langdistill import TraceRecorder, create_rephrase_and_respond, create_self_consistency
from langdistill.recording.messages import messages_in, plain
from langdistill.records import Trace
from langdistill.stores.sqlite import SQLiteStore


class Model(BaseChatModel):
    """Replies in turn; a reply may be a message, a text or an error."""

    replies: list[Any] = ["Think.\nAnswer: 4"]
    n: int = 1
    turn: list[int] = []
    delay: float = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _next(self) -> AIMessage:
        self.turn.append(1)
        reply = self.replies[(len(self.turn) - 1) % len(self.replies)]
        if isinstance(reply, Exception):
            raise reply
        usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
        return reply.model_copy() if isinstance(reply, AIMessage) else AIMessage(reply, usage_metadata=usage)  # type: ignore[arg-type]

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        time.sleep(self.delay)
        return ChatResult(generations=[ChatGeneration(message=self._next()) for _ in range(kwargs.get("n", 1))])

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        await asyncio.sleep(self.delay)
        return ChatResult(generations=[ChatGeneration(message=self._next())])

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        from langchain_core.utils.function_calling import convert_to_openai_tool

        return self.bind(tools=[convert_to_openai_tool(one) for one in tools])


ASKED = {"messages": [("user", "2+2?")]}


def traces(path: Path) -> list[Trace]:
    store = SQLiteStore(path, must_exist=True)
    found = list(store.traces())
    store.close()
    return found


def test_all_n_replies_and_the_provenance_are_kept(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    graph = create_self_consistency(Model(replies=["Answer: 4", "Answer: 5", "Answer: 4"], turn=[]), samples=3)
    graph.invoke(ASKED, {"callbacks": [recorder], "metadata": {"problem": "p1"}, "tags": ["mine"]})
    recorder.close()
    [trace] = traces(tmp_path / "t.db")
    [call] = trace.calls
    assert (trace.name, trace.strategy, trace.problem, trace.answer, trace.error) == (
        "self_consistency",
        "self_consistency",
        "p1",
        "4",
        None,
    )
    assert trace.input == [{"role": "user", "content": "2+2?"}]
    assert trace.output == [{"role": "assistant", "content": "4"}]
    assert [reply.message["content"] for reply in call.replies] == ["Answer: 4", "Answer: 5", "Answer: 4"]
    assert call.candidate
    assert call.node == "sample"
    assert call.path == "sample"
    assert call.params["temperature"] == 0.7
    assert call.prompt[0]["role"] == "user"
    assert call.usage.output_tokens == trace.output_tokens == 9
    assert trace.tags == ["mine"]
    assert recorder.lost == 0


def test_an_agent_with_parallel_tools(tmp_path: Path) -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    calls = [{"name": "add", "args": {"a": i, "b": 2}, "id": f"c{i}"} for i in (1, 2)]
    model = Model(
        replies=[AIMessage("", tool_calls=calls, additional_kwargs={"reasoning_content": "hm"}), "done"], turn=[]
    )
    recorder = TraceRecorder(tmp_path / "t.db")
    create_agent(model, [add], system_prompt="Be brief.").invoke(ASKED, {"callbacks": [recorder]})
    recorder.close()
    [trace] = traces(tmp_path / "t.db")
    first, second = trace.calls
    assert [message["role"] for message in first.prompt] == ["system", "user"]
    assert [message["role"] for message in second.prompt] == ["system", "user", "assistant", "tool", "tool"]
    said = first.replies[0].message
    assert said.get("reasoning_content") == "hm"
    assert [one["function"]["arguments"] for one in said.get("tool_calls", [])] == ['{"a":1,"b":2}', '{"a":2,"b":2}']
    assert first.tools[0]["function"]["name"] == "add"
    assert sorted((run.tool_call_id, run.arguments["a"], run.output["content"]) for run in trace.tool_runs) == [
        ("c1", 1, "3"),
        ("c2", 2, "4"),
    ]
    assert trace.output[-1]["content"] == "done"


def test_a_bare_model_call_is_a_trace(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    Model().invoke([SystemMessage("s"), HumanMessage("q")], {"callbacks": [recorder]})
    recorder.close()
    [trace] = traces(tmp_path / "t.db")
    assert [message["role"] for message in trace.input] == ["system", "user"]
    assert trace.output[0]["content"] == "Think.\nAnswer: 4"


def test_an_error_is_kept_and_reaches_the_caller(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    with pytest.raises(RuntimeError, match="down"):
        create_rephrase_and_respond(Model(replies=[RuntimeError("down")])).invoke(ASKED, {"callbacks": [recorder]})
    recorder.close()
    [trace] = traces(tmp_path / "t.db")
    assert "down" in str(trace.error)
    assert "down" in str(trace.calls[0].error)


def test_an_interrupt_is_no_error(tmp_path: Path) -> None:
    def human(state: MessagesState) -> dict[str, Any]:
        return {"messages": [("ai", f"you said {interrupt('sure?')}")]}

    graph = (
        StateGraph(MessagesState)
        .add_node("human", human)
        .add_edge(START, "human")
        .compile(checkpointer=InMemorySaver())
    )
    recorder = TraceRecorder(tmp_path / "t.db")
    config: Any = {"callbacks": [recorder], "configurable": {"thread_id": "t1"}}
    graph.invoke(ASKED, config)
    graph.invoke(Command(resume="yes"), config)
    recorder.close()
    first, second = traces(tmp_path / "t.db")
    assert (first.interrupted, first.error, first.thread) == (True, None, "t1")
    assert (second.interrupted, second.error) == (False, None)
    assert second.output[-1]["content"] == "you said yes"


async def test_a_cancelled_call_is_closed_with_its_root(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    run = asyncio.create_task(create_rephrase_and_respond(Model(delay=5)).ainvoke(ASKED, {"callbacks": [recorder]}))
    await asyncio.sleep(0.2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    recorder.close()
    [trace] = traces(tmp_path / "t.db")
    assert trace.calls[0].error == "cancelled"
    assert (trace.error, trace.outcome) == ("cancelled", "cancelled")
    assert recorder._writing._runs == {}, "nothing of a finished run is held"


def test_concurrent_runs_stay_apart(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    graph = create_rephrase_and_respond(Model(delay=0.01))
    configs: Any = [
        {"callbacks": [recorder], "metadata": {"problem": f"p{i}"}, "max_concurrency": 20} for i in range(40)
    ]
    graph.batch([{"messages": [("user", f"question {i}")]} for i in range(40)], configs)
    recorder.close()
    found = traces(tmp_path / "t.db")
    assert {(trace.problem, trace.input[0]["content"]) for trace in found} == {
        (f"p{i}", f"question {i}") for i in range(40)
    }
    assert all(len(trace.calls) == 2 and trace.input[0]["content"] in str(trace.calls[0].prompt) for trace in found)


def test_switched_on_for_a_block(tmp_path: Path) -> None:
    graph = create_rephrase_and_respond(Model())
    recorder = TraceRecorder(tmp_path / "t.db")
    with recorder:
        graph.invoke(ASKED)
    graph.invoke(ASKED)
    recorder.close()
    assert len(traces(tmp_path / "t.db")) == 1


def test_feedback(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    Model().invoke("q", {"callbacks": [recorder]})
    recorder.flush()
    run_id = traces(tmp_path / "t.db")[0].id
    recorder.feedback(run_id, score=1, comment="good")
    recorder.close()
    assert traces(tmp_path / "t.db")[0].feedback[0].comment == "good"


def test_a_store_that_fails_never_reaches_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def add(self, traces: Any) -> None:
            raise OSError("disk full")

        def close(self) -> None: ...

    recorder = TraceRecorder(Broken())  # type: ignore[arg-type]
    for _ in range(3):
        assert Model().invoke("q", {"callbacks": [recorder]}).text
        recorder.flush()
    recorder.close()
    assert recorder.lost == 3
    assert len([record for record in caplog.records if "disk full" in str(record.exc_info)]) == 1


def test_messages_as_plain_data() -> None:
    assert plain(ToolMessage("3", tool_call_id="c1", name="add")) == {
        "role": "tool",
        "content": "3",
        "name": "add",
        "tool_call_id": "c1",
    }
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    message = HumanMessage(parts)  # type: ignore[arg-type]
    copied = plain(message)
    parts[0]["text"] = "changed"
    assert copied["content"][0]["text"] == "look"  # type: ignore[index]
    broken = AIMessage("", invalid_tool_calls=[{"name": "add", "args": "{oops", "id": "c2", "error": None}])  # type: ignore[list-item]
    assert plain(broken).get("tool_calls", [])[0]["function"]["arguments"] == "{oops"
    assert messages_in({"messages": [("user", "q"), {"role": "assistant", "content": "a"}]}) == [
        {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]  # fmt: skip


def test_a_script_that_never_closes_its_recorder_loses_nothing(tmp_path: Path) -> None:
    script = f"""
from langchain_core.language_models import FakeListChatModel
from langdistill import TraceRecorder
recorder = TraceRecorder({str(tmp_path / "t.db")!r})
for i in range(20):
    FakeListChatModel(responses=["yes"]).invoke("q", {{"callbacks": [recorder]}})
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert len(traces(tmp_path / "t.db")) == 20


def test_a_lone_surrogate_is_kept_as_the_text_that_escapes_it(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    model = Model(replies=["fine", "lone \ud800 surrogate", "fine"], turn=[])
    model.batch(["q"] * 3, {"callbacks": [recorder], "max_concurrency": 1})
    recorder.close()
    assert [trace.output[0]["content"] for trace in traces(tmp_path / "t.db")] == [
        "fine",
        "lone \\ud800 surrogate",
        "fine",
    ]
    assert recorder.lost == 0


def test_a_run_that_begins_after_the_recorder_was_closed_is_counted(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    recorder.close()
    assert Model().invoke("2+2?", {"callbacks": [recorder]}).text
    recorder.flush()
    recorder.close()
    assert recorder.lost
    assert traces(tmp_path / "t.db") == []


def test_a_free_role_is_kept_as_a_name() -> None:
    assert plain(ChatMessage(role="critic", content="no")) == {"role": "user", "name": "critic", "content": "no"}
