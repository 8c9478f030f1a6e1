from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, Send

from langdistill import create_chain_of_thought, create_rephrase_and_respond, create_self_consistency
from langdistill.testing.models import ScriptedChatModel
from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, asking, line, saying
from tests.recording.scenarios.models import Says


def test_branches_that_are_sent(recording: Recording) -> None:
    def fan(state: MessagesState) -> list[Send]:
        return [Send("work", {"messages": [HumanMessage(text)]}) for text in ("a", "b", "c")]

    builder = StateGraph(MessagesState)
    builder.add_node("work", asking(Says(lambda prompt: prompt[-1].text.upper())))
    builder.add_node("join", saying("joined"), defer=True)
    builder.add_conditional_edges(START, fan, ["work"])
    builder.add_edge("work", "join")
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step work branch=0
            call c0
              < user: a
              > assistant: A
          step work branch=1
            call c1
              < user: b
              > assistant: B
          step work branch=2
            call c2
              < user: c
              > assistant: C
          step join
          out assistant: A
          out assistant: B
          out assistant: C
          out assistant: joined
    """)


def test_branches_of_edges(recording: Recording) -> None:
    builder = StateGraph(MessagesState)
    for name in ("a", "b"):
        builder.add_node(name, asking(Says(name.upper(), delay=0.05)))
        builder.add_edge(START, name)
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step a
            call c0
              < user: 2+2?
              > assistant: A
          step b
            call c1
              < user: 2+2?
              > assistant: B
          out assistant: A
          out assistant: B
    """)


def test_a_graph_that_is_a_node(recording: Recording) -> None:
    inner = line(think=asking(Says("4")), check=saying("yes")).compile(name="inner")
    recording.run(line(sub=inner).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step sub
            step think
              call c0
                < user: 2+2?
                > assistant: 4
            step check
          out assistant: 4
          out assistant: yes
    """)


def test_a_graph_that_a_node_calls(recording: Recording) -> None:
    inner = line(think=asking(Says("4", "5"))).compile(name="inner")

    def wrapped(state: MessagesState) -> Any:
        again = inner.invoke({"messages": [HumanMessage("again")]})
        return {"messages": inner.invoke({"messages": again["messages"][-1:]})["messages"][-1:]}

    recording.run(line(same=lambda state: inner.invoke(state), wrapped=wrapped).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step same
            step think
              call c0
                < user: 2+2?
                > assistant: 4
          step wrapped
            step think
              call c1
                < user: again
                > assistant: 5
            step think
              call c2
                < assistant: 5
                > assistant: 5
          out assistant: 4
          out assistant: 5
    """)


def test_a_hand_off_to_what_is_sent(recording: Recording) -> None:
    def leave(state: MessagesState) -> Any:
        return Command(graph=Command.PARENT, goto=[Send("end", {"messages": [HumanMessage("x")]})])

    builder = line(inner=line(leave=leave).compile())
    builder.add_node("end", saying("7"))
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step inner outcome='handed-off'
            step leave outcome='handed-off'
          step end branch=0
          handoff from inner/leave to end
          out assistant: 7
    """)


def test_going_to_a_node_of_the_same_graph_is_no_hand_off(recording: Recording) -> None:
    builder = line(a=lambda state: Command(goto="b"))
    builder.add_node("b", saying("4"))
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step a
          step b
          out assistant: 4
    """)


def test_the_samples_of_a_strategy_are_candidates(recording: Recording) -> None:
    graph = create_self_consistency(Says("Answer: 4", "Answer: 5", "Answer: 4"), samples=3)
    recording.run(graph, ASKED, metadata={"problem": "p1"}, max_concurrency=1)
    recording.assert_tells("""
        self_consistency strategy='self_consistency' answer='4' metadata={'strategy': 'self_consistency', 'params': {'samples': 3, 'stop': 'fixed', 'confidence': None, 'temperature': 0.7}, 'problem': 'p1'}
          in user: 2+2?
          step sample
            call c0 strategy='self_consistency' candidate=True params={'temperature': 0.7}
              < user: '2+2?\\nThink step by step. End with one line that reads "Answer:" and then only the answer.'
              > assistant: Answer: 4
            call c1 strategy='self_consistency' candidate=True params={'temperature': 0.7}
              < user: '2+2?\\nThink step by step. End with one line that reads "Answer:" and then only the answer.'
              > assistant: Answer: 5
            call c2 strategy='self_consistency' candidate=True params={'temperature': 0.7}
              < user: '2+2?\\nThink step by step. End with one line that reads "Answer:" and then only the answer.'
              > assistant: Answer: 4
          step vote
          out assistant: 4
    """)


def test_the_n_replies_of_one_request_are_candidates(recording: Recording) -> None:
    graph = create_self_consistency(ScriptedChatModel(script=lambda prompt, at: f"Answer: {at % 2}"), samples=5)
    recording.run(graph, ASKED)
    [call] = recording.trace.calls
    assert (len(call.replies), call.candidate, call.params["n"], call.usage.output_tokens) == (5, True, 5, 10)
    assert (recording.trace.strategy, recording.trace.answer) == ("self_consistency", "0")


def test_a_rewritten_question_is_no_candidate(recording: Recording) -> None:
    recording.run(create_rephrase_and_respond(Says("What is two and two?", "Answer: 4")), ASKED)
    recording.assert_tells("""
        rephrase_and_respond strategy='rephrase_and_respond' answer='4' metadata={'strategy': 'rephrase_and_respond', 'params': {}}
          in user: 2+2?
          step rephrase
            call c0 strategy='rephrase_and_respond'
              < user: 'Question: 2+2?\\nRephrase and expand the question so that it becomes easier to answer. Keep everything it tells. Write only the new question.'
              > assistant: What is two and two?
          step respond
            call c1 strategy='rephrase_and_respond' candidate=True
              < user: '(original) 2+2?\\n(rephrased) What is two and two?\\nUse the rephrased question to work out the answer to the original question. End with one line that reads "Answer:" and then only the answer.'
              > assistant: Answer: 4
          out assistant: 4
    """)


def test_a_strategy_in_a_graph(recording: Recording) -> None:
    recording.run(line(think=create_chain_of_thought(Says("Answer: 4"))).compile(name="outer"), ASKED)
    recording.assert_tells("""
        outer strategy='chain_of_thought'
          in user: 2+2?
          step think
            step think
              call c0 strategy='chain_of_thought' candidate=True
                < user: '2+2?\\nThink step by step. End with one line that reads "Answer:" and then only the answer.'
                > assistant: Answer: 4
          out assistant: 4
    """)


def test_a_flow_of_tasks(now: Recording) -> None:
    model = Says("4", "5")

    @task
    def think(question: str) -> str:
        return model.invoke(question).text

    @entrypoint()
    def flow(question: str) -> str:
        first = think(question).result()
        return think(first).result()

    now.run(flow, "2+2?")
    now.assert_tells("""
        LangGraph
          in user: 2+2?
          step flow
            call c0 node='think'
              < user: 2+2?
              > assistant: 4
            call c1 node='think'
              < user: 4
              > assistant: 5
          out assistant: 5
    """)
