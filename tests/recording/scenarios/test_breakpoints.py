from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, add, line, saying

GO_ON = None


@pytest.mark.parametrize("breakpoint", [{"interrupt_before": ["b"]}, {"interrupt_after": ["a"]}])
def test_a_breakpoint(recording: Recording, breakpoint: Any) -> None:
    graph = line(a=saying("1"), b=saying("2")).compile(checkpointer=InMemorySaver(), **breakpoint)
    recording.run(graph, ASKED, thread="t")
    recording.run(graph, GO_ON, thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step a
          out assistant: 1
        LangGraph thread='t' continues=#0
          earlier user: 2+2?
          earlier assistant: 1
          step b
          out assistant: 2
    """)


def test_a_breakpoint_in_a_graph_of_a_graph(recording: Recording) -> None:
    inner = line(a=saying("1"), b=saying("2")).compile(interrupt_before=["b"])
    graph = line(sub=inner).compile(checkpointer=InMemorySaver())
    recording.run(graph, ASKED, thread="t")
    recording.run(graph, GO_ON, thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step sub outcome='interrupted'
            step a
        LangGraph thread='t' continues=#0
          earlier user: 2+2?
          step sub
            step b
          out assistant: 1
          out assistant: 2
    """)


def test_a_breakpoint_that_langgraph_tells_only_to_callbacks_of_the_run(recording: Recording) -> None:
    graph = line(a=saying("1"), b=saying("2")).compile(checkpointer=InMemorySaver(), interrupt_before=["b"])
    with recording.recorder:
        recording.run(graph, ASKED, thread="t", callbacks=None)
        recording.run(graph, GO_ON, thread="t", callbacks=None)
    recording.assert_tells("""
        LangGraph thread='t'
          in user: 2+2?
          step a
          out assistant: 1
        LangGraph thread='t'
          earlier user: 2+2?
          earlier assistant: 1
          step b
          out assistant: 2
    """)


def test_a_breakpoint_of_a_graph_without_messages(recording: Recording) -> None:
    class Count(TypedDict):
        n: int

    builder = StateGraph(Count)
    builder.add_node("a", lambda state: {"n": state["n"] + 1})
    builder.add_node("b", lambda state: {"n": state["n"] + 1})
    builder.add_edge(START, "a")
    builder.add_edge("a", "b")
    graph = builder.compile(checkpointer=InMemorySaver(), interrupt_before=["b"])
    recording.run(graph, {"n": 1}, thread="t")
    recording.run(add, {"a": 1, "b": 2}, metadata={"thread_id": "t"})  # goes on with nothing
    recording.run(graph, GO_ON, thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: {"n":1}
          step a
        add thread='t'
          tool t0 add {'a': 1, 'b': 2} -> 3
        LangGraph thread='t' continues=#0
          step b
          out assistant: {"n":3}
    """)
