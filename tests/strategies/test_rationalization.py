"""Right at once, right with the hint, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from langdistill.budgets import budget
from langdistill.recording.recorder import TraceRecorder
from langdistill.strategies.rationalization import create_rationalization
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import ScriptedChatModel

QUESTION = "What is 2 + 2?"


def graph_of(*said: str) -> tuple[Any, ScriptedChatModel]:
    model = ScriptedChatModel(script=lambda messages, at: said[at])
    return create_rationalization(model, answer_of={QUESTION: "4"}.get), model


@pytest.mark.parametrize(
    ("said", "asked", "last"),
    [
        (["a\nAnswer: 4"], 1, "a\nAnswer: 4"),
        (["a\nAnswer: 5", "b\nAnswer: 4"], 2, "b\nAnswer: 4"),
        (["a\nAnswer: 5", "b\nAnswer: 6"], 2, "a\nAnswer: 5"),
        (["", "b\nAnswer: 4"], 2, "b\nAnswer: 4"),
    ],
)
def test_the_hint_is_given_only_where_the_first_is_wrong(said: list[str], asked: int, last: str) -> None:
    graph, model = graph_of(*said)
    output = graph.invoke({"messages": [("user", QUESTION)]})
    assert len(model.prompts) == asked
    assert output["messages"][-1].text == last
    assert ["the answer is 4." in prompt[-1].text for prompt in model.prompts] == [False, True][:asked]


def test_without_gold_the_first_stands() -> None:
    graph, model = graph_of("a\nAnswer: 5")
    assert graph.invoke({"messages": [("user", "What is 3 + 3?")]})["answer"] == "5"
    assert len(model.prompts) == 1


def test_only_the_second_call_is_marked() -> None:
    graph, _ = graph_of("a\nAnswer: 5", "b\nAnswer: 4")
    store = MemoryStore()
    with TraceRecorder(store) as recorder:
        graph.invoke({"messages": [("user", QUESTION)]}, {"callbacks": [recorder]})
        recorder.flush()
    [trace] = store.traces()
    assert [(call.node, call.hint) for call in trace.calls] == [
        ("reason", None),
        ("rationalise", "(Known beforehand: the answer is 4.)"),
    ]


def test_a_budget_that_ends_leaves_the_first() -> None:
    graph, _ = graph_of("a\nAnswer: 5")
    with budget(completions=1):
        output = graph.invoke({"messages": [("user", QUESTION)]})
    assert (output["answer"], output["stopped"]) == ("5", "completions 1 of 1")
