"""A tree that a run searched is in its trace."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph

from langdistill.lab.search.reasoner import discriminator, generator
from langdistill.lab.search.world import draw
from langdistill.questions import Question, Thinking
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Trace
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import OURS, Settings
from langdistill.stores.opening import open_store

SMALL = Settings(rollouts=4, depth=4, thoughts=2, sub_questions=2, last_votes=4, votes=2, prefixes=2)


def search(settings: Settings = SMALL) -> Any:
    return create_mutual_reasoning(generator(1), discriminator(1), preset=settings)


def recorded(graph: Any, folder: Path, **knobs: Any) -> tuple[dict[str, Any], Trace]:
    question = draw(1, seed=1).problems[0].question
    with TraceRecorder(folder / "traces.db", **knobs) as recorder:
        state = graph.invoke({"messages": [("user", question)]}, {"callbacks": [recorder]})
    with closing(open_store(folder / "traces.db")) as store:
        [trace] = store.traces()
    return state, trace


def test_a_recorded_search_is_the_tree_that_was_searched(tmp_path: Path) -> None:
    question = draw(1, seed=1).problems[0].question
    alone = search().invoke({"messages": [("user", question)]}, output_keys=["answer", "searched"])
    state, trace = recorded(search(), tmp_path)
    [found] = trace.searches
    assert [one.model_dump() for one in found.thoughts] == alone["searched"]["thoughts"]
    assert found.chosen == alone["searched"]["chosen"]
    assert found.chosen is not None
    assert found.thoughts[found.chosen].answer == state["answer"] == alone["answer"]
    assert found.thoughts[0].visits == SMALL.rollouts
    assert sum(one.completed for one in found.thoughts) > 0
    assert found.step is not None
    assert trace.steps[found.step].name == "present"
    assert "searched" not in state


def test_two_searches_of_one_run(tmp_path: Path) -> None:
    around: Any = StateGraph(Thinking, input_schema=Question)
    around.add_node("first", search()).add_node("second", search(OURS)).add_edge(START, "first")
    around.add_node("again", lambda state: {"messages": [("user", state["messages"][0].text)]})
    around.add_edge("first", "again").add_edge("again", "second")
    _, trace = recorded(around.compile(), tmp_path)
    assert [one.thoughts[0].visits for one in trace.searches] == [SMALL.rollouts, OURS.rollouts]
    paths = [trace.steps[one.step].path for one in trace.searches if one.step is not None]
    assert paths == ["first/present", "second/present"]


@pytest.mark.parametrize("value", [{"thoughts": "none"}, {"thoughts": [1]}, {"thoughts": [], "more": 1}, "x", {}])
def test_the_key_of_somebody_elses_node_is_no_search(tmp_path: Path, value: Any) -> None:
    class State(Thinking):
        searched: Any

    graph: Any = StateGraph(State)
    graph.add_node("own", lambda state: {"searched": value, "answer": "7"}).add_edge(START, "own")
    _, trace = recorded(graph.compile(), tmp_path)
    assert trace.searches == []
    assert (trace.answer, trace.lost) == ("7", 0)


def test_what_is_hidden_in_a_reply_is_hidden_in_the_tree(tmp_path: Path) -> None:
    secret = "sk-proj-" + "aB3" * 16  # gitleaks:allow
    node = {"parent": None, "text": f"The key is {secret}.", "answer": secret}

    class State(Thinking):
        searched: Any

    graph: Any = StateGraph(State)
    graph.add_node("own", lambda state: {"searched": {"thoughts": [node], "chosen": 0}}).add_edge(START, "own")
    _, trace = recorded(graph.compile(), tmp_path)
    [[thought]] = [one.thoughts for one in trace.searches]
    assert secret not in trace.model_dump_json()
    assert thought.text.startswith("The key is ")
    assert thought.answer
    assert thought.answer in thought.text
