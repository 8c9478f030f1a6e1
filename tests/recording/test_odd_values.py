"""Values that no encoder likes, and clocks that nobody expects."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path
from typing import Any

import numpy
import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from langdistill import TraceRecorder
from langdistill.testing.models import ScriptedChatModel
from tests.recording.accounts import asked, events_of, run, script, settled, warnings_in


class Circle(dict[str, Any]):
    def __init__(self) -> None:
        super().__init__(me=self)


class Unreadable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a", "b"}, None),
        (Unreadable(), "<Unreadable>"),
        (threading.Lock(), None),
        (lambda: 1, None),
        ([2**70, math.nan], [str(2**70), None]),
        ("lone \ud800", "lone \\ud800"),
        (Circle(), {"me": "<Circle>"}),
    ],
    ids=["set", "unreadable", "lock", "function", "numbers", "surrogate", "circle"],
)
def test_values_that_have_no_json_form(value: Any, told: Any, tmp_path: Path) -> None:
    @tool
    def look() -> Any:
        """Look."""
        return {"thing": value, "n": 1}

    with TraceRecorder(tmp_path / "t.db") as recorder:
        assert look.invoke({})["thing"] is value
        look.invoke({}, {"metadata": {"thing": value, "mine": "kept"}, "tags": ["a"]})
        traces = settled(recorder)
    recorder.close()
    assert len(traces) == 2
    assert recorder.lost == 0
    output = traces[0].tool_runs[0].output
    assert output["n"] == 1
    assert output["thing"] == told if told is not None else output["thing"]
    assert traces[1].metadata["mine"] == "kept"


class Odd(BaseChatModel):
    """Replies with log-probabilities that are none."""

    @property
    def _llm_type(self) -> str:
        return "odd"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        about = {
            "logprobs": {"content": [{"token": "a\ud800", "logprob": math.nan}, {"token": "b", "logprob": -math.inf}]}
        }
        return ChatResult(generations=[ChatGeneration(message=AIMessage("a\ud800b", response_metadata=about))])


def test_log_probabilities_that_are_no_numbers(tmp_path: Path) -> None:
    with TraceRecorder(tmp_path / "t.db") as recorder:
        assert Odd().invoke("Q").content == "a\ud800b"
        [trace] = settled(recorder)
    assert trace.calls[0].replies[0].logprobs == [
        {"token": "a\\ud800", "logprob": None},
        {"token": "b", "logprob": None},
    ]
    assert trace.output[0]["content"] == "a\\ud800b"
    assert recorder.lost == 0
    recorder.close()


def test_a_message_of_50_mb_is_left_out_and_counted_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    counted = run(recorder, question="z" * 50_000_000)
    [trace] = settled(recorder)
    assert (recorder.lost, trace.lost, len(trace.calls)) == (1, 1, 2)
    assert events_of([trace]) == counted.count, "every event is there"
    assert [call.prompt[0] for call in trace.calls] == [trace.input[0]] * 2
    assert trace.input[0]["role"] == "user"
    assert str(trace.input[0]["content"]).startswith("<left out: 50,0")
    assert trace.output[-1]["content"] == "done with " + "z" * 100
    assert len([one for one in warnings_in(caplog) if "bytes" in one]) == 1
    recorder.close()


def test_a_result_of_50_mb_is_left_out_and_counted_once(tmp_path: Path) -> None:
    @tool
    def add(a: int, b: int) -> str:
        """Add."""
        return "z" * 50_000_000 if b else "0"

    model = ScriptedChatModel(script=script)
    with TraceRecorder(tmp_path / "t.db") as recorder:
        output = create_agent(model, [add]).invoke(asked())
        [trace] = settled(recorder)
    assert sorted(len(one.content) for one in output["messages"] if one.type == "tool") == [1, 50_000_000]
    assert (recorder.lost, trace.lost) == (1, 1)
    assert {one.output["content"][:10] for one in trace.tool_runs} == {"0", "<left out:"}
    recorder.close()


def test_a_clock_that_goes_backwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(2_000_000_000, 0, -100))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    recorder = TraceRecorder(tmp_path / "t.db")
    counted = run(recorder, 3)
    traces = settled(recorder)
    assert (events_of(traces), recorder.lost) == (counted.count, 0)
    for trace in traces:
        inner = [*trace.steps, *trace.calls, *trace.tool_runs]
        assert trace.started < trace.ended < trace.started + 60
        assert all(trace.started <= one.started <= one.ended <= trace.ended for one in inner)
    recorder.close()


class Everything:
    """A proxy that has every attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Everything()


class Raising:
    @property
    def messages(self) -> Any:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [numpy.array([1, 2]), Everything(), Raising()], ids=["array", "proxy", "raising"])
def test_inputs_and_outputs_that_must_not_be_asked(value: Any, tmp_path: Path) -> None:
    @tool
    def look() -> Any:
        """Look."""
        return value

    same = RunnableLambda(lambda given: given)
    with TraceRecorder(tmp_path / "t.db") as recorder:
        assert same.invoke(value) is value
        assert list(same.stream(value)) == [value]
        look.invoke({})
        traces = settled(recorder)
    recorder.close()
    assert recorder.lost == 0
    assert [trace.outcome for trace in traces] == ["ended"] * 3


def test_questions_and_answers_that_are_arrays(tmp_path: Path) -> None:
    array = numpy.array([1, 2])
    flow = StateGraph(dict)
    flow.add_node("ask", lambda state: {"sum": int(interrupt(array).sum())})
    flow.add_edge(START, "ask")
    flow.add_edge("ask", END)
    graph = flow.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    with TraceRecorder(tmp_path / "t.db") as recorder:
        graph.invoke({"n": 1}, config)
        graph.invoke(Command(resume=array), config)
        asked, resumed = settled(recorder)
    recorder.close()
    assert recorder.lost == 0
    assert asked.interrupts[0].value == [1, 2]
    assert (resumed.resume, resumed.continues) == ([1, 2], asked.id)
