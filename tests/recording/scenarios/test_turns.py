from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, trim_messages
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, asking, line
from tests.recording.scenarios.models import Says


def test_the_same_question_three_times(recording: Recording) -> None:
    agent = create_agent(Says("one", "two", "three"), [], name="parrot", checkpointer=InMemorySaver())
    for _ in range(3):
        recording.run(agent, ASKED, thread="t")
    recording.assert_tells("""
        parrot thread='t'
          in user: 2+2?
          step model agent='parrot'
            call c0
              < user: 2+2?
              > assistant: one
          out assistant: one name='parrot'
        parrot thread='t'
          earlier user: 2+2?
          earlier assistant: one name='parrot'
          in user: 2+2?
          step model agent='parrot'
            call c0
              < user: 2+2?
              < assistant: one name='parrot'
              < user: 2+2?
              > assistant: two
          out assistant: two name='parrot'
        parrot thread='t'
          earlier user: 2+2?
          earlier assistant: one name='parrot'
          earlier user: 2+2?
          earlier assistant: two name='parrot'
          in user: 2+2?
          step model agent='parrot'
            call c0
              < user: 2+2?
              < assistant: one name='parrot'
              < user: 2+2?
              < assistant: two name='parrot'
              < user: 2+2?
              > assistant: three
          out assistant: three name='parrot'
    """)


def test_a_conversation_without_a_checkpointer(recording: Recording) -> None:
    said = [HumanMessage("1+1?"), AIMessage("2"), HumanMessage("2+2?")]
    recording.run(line(think=asking(Says("4"))).compile(), {"messages": said})
    recording.assert_tells("""
        LangGraph
          in user: 1+1?
          in assistant: 2
          in user: 2+2?
          step think
            call c0
              < user: 1+1?
              < assistant: 2
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_earlier_turns_that_are_summarised(recording: Recording) -> None:
    def shorten(state: MessagesState) -> Any:
        earlier, last = state["messages"][:-1], state["messages"][-1]
        return {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), HumanMessage("summary"), last]} if earlier else {}

    graph = line(shorten=shorten, think=asking(Says("4", "6"))).compile(checkpointer=InMemorySaver())
    recording.run(graph, ASKED, thread="t")
    recording.run(graph, {"messages": [("user", "3+3?")]}, thread="t")
    recording.assert_tells("""
        LangGraph thread='t'
          in user: 2+2?
          step shorten
          step think
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
        LangGraph thread='t'
          earlier user: 2+2?
          earlier assistant: 4
          in user: 3+3?
          step shorten
          step think
            call c0
              < user: summary
              < user: 3+3?
              > assistant: 6
          out assistant: 6
    """)


def test_a_question_that_is_summarised_away(recording: Recording) -> None:
    def forget(state: MessagesState) -> Any:
        return {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), HumanMessage("summary")]}

    recording.run(line(forget=forget, think=asking(Says("4"))).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step forget
          step think
            call c0
              < user: summary
              > assistant: 4
          out assistant: 4
    """)


def test_a_prompt_that_is_trimmed(recording: Recording) -> None:
    trimmer = trim_messages(max_tokens=1, token_counter=len, strategy="last")
    graph = line(think=asking(trimmer | Says("4", "6"))).compile(checkpointer=InMemorySaver())
    recording.run(graph, ASKED, thread="t")
    recording.run(graph, {"messages": [("user", "3+3?")]}, thread="t")
    recording.assert_tells("""
        LangGraph thread='t'
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
        LangGraph thread='t'
          earlier user: 2+2?
          earlier assistant: 4
          in user: 3+3?
          step think
            call c0
              < user: 3+3?
              > assistant: 6
          out assistant: 6
    """)


def test_messages_that_are_edited_between_two_calls(recording: Recording) -> None:
    model = Says("4", "5")

    def think(state: MessagesState) -> Any:
        said = model.invoke(state["messages"])
        said.content, said.name = "four", "me"
        return {"messages": [said, model.invoke([*state["messages"], said])]}

    recording.run(line(think=think).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
            call c1
              < user: 2+2?
              < assistant: four name='me'
              > assistant: 5
          out assistant: four name='me'
          out assistant: 5
    """)


def test_a_question_that_is_edited_between_two_calls(recording: Recording) -> None:
    model = Says("4", "5")

    def think(state: MessagesState) -> Any:
        model.invoke(state["messages"])
        state["messages"][0].content = "3+3?"
        return {"messages": [model.invoke(state["messages"])]}

    recording.run(line(think=think).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
            call c1
              < user: 3+3?
              > assistant: 5
          out assistant: 5
    """)


def test_a_turn_that_fails_knows_the_earlier_ones(recording: Recording) -> None:
    graph = line(think=asking(Says("4", ConnectionError("offline")))).compile(checkpointer=InMemorySaver())
    recording.run(graph, ASKED, thread="t")
    recording.fail(ConnectionError, graph, {"messages": [("user", "3+3?")]}, thread="t")
    recording.assert_tells("""
        LangGraph thread='t'
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
        LangGraph thread='t' outcome='failed' error="ConnectionError('offline')"
          earlier user: 2+2?
          earlier assistant: 4
          in user: 3+3?
          step think outcome='failed' error="ConnectionError('offline')"
            call c0 error="ConnectionError('offline')"
              < user: 2+2?
              < assistant: 4
              < user: 3+3?
    """)
