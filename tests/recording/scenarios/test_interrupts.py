from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, asking, line, saying, stopping
from tests.recording.scenarios.models import Says, asks


@tool
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {interrupt({'amount': amount})}"


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteSaver]:
    with sqlite3.connect(tmp_path / "checkpoints.db", check_same_thread=False) as connection:
        yield SqliteSaver(connection)
    connection.close()


STOPPED_AND_RESUMED = """
    LangGraph thread='t' outcome='interrupted'
      in user: 2+2?
      step think
        call c0
          < user: 2+2?
          > assistant: 4
      step ask outcome='interrupted'
      interrupt 'sure?' at ask
      out assistant: 4
    LangGraph thread='t' resume='yes' continues=#0
      earlier user: 2+2?
      earlier assistant: 4
      step ask
      step end
      out assistant: yes
      out assistant: bye
"""


def _stop_and_resume(recording: Recording, saver: Any) -> None:
    graph = line(think=asking(Says("4")), ask=stopping("sure?"), end=saying("bye")).compile(checkpointer=saver)
    recording.run(graph, ASKED, thread="t")
    recording.run(graph, Command(resume="yes"), thread="t")


def test_a_question_to_a_human_and_the_answer(recording: Recording) -> None:
    _stop_and_resume(recording, InMemorySaver())
    recording.assert_tells(STOPPED_AND_RESUMED)


def test_the_same_with_checkpoints_in_sqlite(now: Recording, sqlite: SqliteSaver) -> None:
    _stop_and_resume(now, sqlite)
    now.assert_tells(STOPPED_AND_RESUMED)


def test_without_callbacks_of_the_run(recording: Recording) -> None:
    graph = line(ask=stopping("sure?")).compile(checkpointer=InMemorySaver())
    with recording.recorder:
        recording.run(graph, ASKED, thread="t", callbacks=None)
        recording.run(graph, Command(resume="yes"), thread="t", callbacks=None)
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step ask outcome='interrupted'
          interrupt 'sure?' at ask
        LangGraph thread='t' resume='yes' continues=#0
          earlier user: 2+2?
          step ask
          out assistant: yes
    """)


def test_two_questions_one_after_the_other(recording: Recording) -> None:
    def ask(state: MessagesState) -> Any:
        return {"messages": [AIMessage(interrupt("1?") + interrupt("2?"))]}

    graph = line(ask=ask).compile(checkpointer=InMemorySaver())
    for given in (ASKED, Command(resume="a"), Command(resume="b")):
        recording.run(graph, given, thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step ask outcome='interrupted'
          interrupt '1?' at ask
        LangGraph thread='t' resume='a' outcome='interrupted' continues=#0
          earlier user: 2+2?
          step ask outcome='interrupted'
          interrupt '2?' at ask
        LangGraph thread='t' resume='b' continues=#1
          earlier user: 2+2?
          step ask
          out assistant: ab
    """)


def test_two_questions_at_once(recording: Recording) -> None:
    builder = StateGraph(MessagesState)
    for name in ("a", "b"):
        builder.add_node(name, stopping(f"{name}?"))
        builder.add_edge(START, name)
    graph = builder.compile(checkpointer=InMemorySaver())
    asked = recording.run(graph, ASKED, thread="t")["__interrupt__"]
    answers = {one.id: one.value.upper() for one in sorted(asked, key=lambda one: one.value)}
    recording.run(graph, Command(resume=answers), thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step a outcome='interrupted'
          step b outcome='interrupted'
          interrupt 'a?' at a
          interrupt 'b?' at b
        LangGraph thread='t' resume={'i0': 'A?', 'i1': 'B?'} continues=#0
          earlier user: 2+2?
          step a
          step b
          out assistant: A?
          out assistant: B?
    """)


def test_a_question_that_a_tool_asks(recording: Recording) -> None:
    agent = create_agent(Says(asks("pay", amount=5), "done"), [pay], checkpointer=InMemorySaver())
    recording.run(agent, ASKED, thread="t")
    recording.run(agent, Command(resume=4), thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step model
            call c0 offered=['pay']
              < user: 2+2?
              > assistant: '' pay({"amount":5})#t0
          step tools branch=0 outcome='interrupted'
            tool t0 pay {'amount': 5} tool_call_id='t0' asked_by=c0 -> None
          interrupt {'amount': 5} at tools
          out assistant: '' pay({"amount":5})#t0
        LangGraph thread='t' resume=4 continues=#0
          earlier user: 2+2?
          earlier assistant: '' pay({"amount":5})#t0
          step tools branch=0
            tool t0 pay {'amount': 5} tool_call_id='t0' -> tool: paid 4 name='pay' tool_call_id='t0'
          step model
            call c0 offered=['pay']
              < user: 2+2?
              < assistant: '' pay({"amount":5})#t0
              < tool: paid 4 name='pay' tool_call_id='t0'
              > assistant: done
          out tool: paid 4 name='pay' tool_call_id='t0'
          out assistant: done
    """)


def test_a_question_in_a_graph_of_a_graph(recording: Recording) -> None:
    graph = line(sub=line(ask=stopping("sure?")).compile()).compile(checkpointer=InMemorySaver())
    recording.run(graph, ASKED, thread="t")
    recording.run(graph, Command(resume="yes"), thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step sub outcome='interrupted'
            step ask outcome='interrupted'
          interrupt 'sure?' at sub/ask
        LangGraph thread='t' resume='yes' continues=#0
          earlier user: 2+2?
          step sub
            step ask
          out assistant: yes
    """)


def test_another_turn_instead_of_an_answer(recording: Recording) -> None:
    graph = line(ask=stopping("sure?")).compile(checkpointer=InMemorySaver())
    recording.run(graph, ASKED, thread="t")
    recording.run(graph, {"messages": [("user", "never mind")]}, thread="t")
    recording.run(graph, Command(resume="yes"), thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step ask outcome='interrupted'
          interrupt 'sure?' at ask
        LangGraph thread='t' outcome='interrupted'
          earlier user: 2+2?
          in user: never mind
          step ask outcome='interrupted'
          interrupt 'sure?' at ask
        LangGraph thread='t' resume='yes' continues=#1
          earlier user: 2+2?
          earlier user: never mind
          step ask
          out assistant: yes
    """)


def test_threads_resume_apart(recording: Recording) -> None:
    graph = line(ask=stopping("sure?")).compile(checkpointer=InMemorySaver())
    for given in (ASKED, Command(resume="yes")):
        for thread in ("t", "u"):
            recording.run(graph, given, thread=thread)
    first, second, third, fourth = recording.traces
    assert (third.continues, fourth.continues) == (first.id, second.id)
    assert (first.continues, second.continues) == (None, None)


def test_a_graph_that_fails_after_it_was_resumed(recording: Recording) -> None:
    def check(state: MessagesState) -> Any:
        raise ValueError(interrupt("sure?"))

    graph = line(check=check).compile(checkpointer=InMemorySaver())
    recording.run(graph, ASKED, thread="t")
    recording.fail(ValueError, graph, Command(resume="no"), thread="t")
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step check outcome='interrupted'
          interrupt 'sure?' at check
        LangGraph thread='t' resume='no' outcome='failed' error="ValueError('no')" continues=#0
          earlier user: 2+2?
          step check outcome='failed' error="ValueError('no')"
    """)
