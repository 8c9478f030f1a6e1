from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import START, MessagesState, StateGraph

from langdistill import (
    create_branch_solve_merge,
    create_chain_of_thought,
    create_one_step_rephrase_and_respond,
    create_rephrase_and_respond,
    create_self_consistency,
    create_system2_attention,
)
from langdistill.errors import AnswerError
from langdistill.strategies.branch_solve_merge import labelled_pair, verdict
from langdistill.strategies.system2_attention import attended

PAIR = "Which response is better?\nRequest: List two animals.\nResponse A: cat, dog\nResponse B: cat, saw"


class Scripted(BaseChatModel):
    """Replies by a function of the prompt, and remembers the prompts."""

    script: Any
    asked: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self.asked.append(messages[-1].text)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.script(messages[-1].text)))])


def judge(prompt: str) -> str:
    """Two criteria, and scores that depend on the responses, not on their order."""
    if "criteria" in prompt:
        return "1. kind: every item is an animal\n2. count: two items"
    first = prompt.split("Response A: ")[1].split("\n")[0]
    return f"looked at both\nScores: A={5 if 'dog' in first else 2} B={2 if 'dog' in first else 5}"


def answered(prompt: str) -> str:
    if "Write two lines" in prompt:
        return "Context (unbiased): none\nQuestion: What is 2+2?"
    return judge(prompt) if "Request:" in prompt else "I think.\nAnswer: 4"


FACTORIES = [
    create_branch_solve_merge,
    create_chain_of_thought,
    create_one_step_rephrase_and_respond,
    create_rephrase_and_respond,
    create_self_consistency,
    create_system2_attention,
]


@pytest.mark.parametrize("factory", FACTORIES)
def test_every_strategy_answers_alike_under_invoke_ainvoke_and_as_a_node(factory: Any) -> None:
    graph = factory(Scripted(script=answered))
    asked = PAIR if factory is create_branch_solve_merge else "2+2?"
    question = {"messages": [("system", "Be brief."), ("user", asked)]}
    now, then = graph.invoke(question), asyncio.run(graph.ainvoke(question))
    expected = "A" if factory is create_branch_solve_merge else "4"
    read = "I think.\nAnswer: 4" if factory is create_system2_attention else expected
    assert now["answer"] == then["answer"] == expected
    assert now["messages"][-1].text == then["messages"][-1].text == read
    assert set(now) == {"messages", "answer"}
    assert len(now["messages"]) == 3
    parent = StateGraph(MessagesState).add_node("think", graph).add_edge(START, "think").compile()
    assert [message.text for message in parent.invoke(question)["messages"]] == ["Be brief.", asked, read]
    assert [list(part) for part in graph.stream(question, stream_mode="updates")]


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("messages", [[], [("ai", "hello")], [("user", "  ")]])
def test_a_graph_needs_a_question(factory: Any, messages: list[Any]) -> None:
    with pytest.raises(AnswerError, match="user"):
        factory(Scripted(script=answered)).invoke({"messages": messages})


@pytest.mark.parametrize("factory", FACTORIES)
def test_inner_calls_stay_out_of_the_message_stream(factory: Any) -> None:
    graph = factory(Scripted(script=answered))
    asked = PAIR if factory is create_branch_solve_merge else "2+2?"
    shown = [part[0].text for part in graph.stream({"messages": [("user", asked)]}, stream_mode="messages")]
    assert [text for text in shown if text] == [
        {create_branch_solve_merge: "A", create_system2_attention: "I think.\nAnswer: 4"}.get(factory, "4")
    ]


def test_system_prompt_and_braces_reach_the_model() -> None:
    model = Scripted(script=answered, asked=[])
    create_chain_of_thought(model).invoke({"messages": [("user", "What is {x} {question}?")]})
    assert model.asked[0].startswith("What is {x} {question}?\n")


def test_self_consistency_votes_on_answers_not_on_texts() -> None:
    replies = iter(["So.\nAnswer: 4", "Answer: 5", "Hm.\nAnswer: 4.0", "no\nanswer here at all"])
    graph = create_self_consistency(Scripted(script=lambda _: next(replies)), samples=4)
    assert graph.invoke({"messages": [("user", "q")]}, {"max_concurrency": 1})["answer"] == "4"


def test_self_consistency_breaks_a_tie_by_sample_order() -> None:
    replies = iter(["Answer: 7", "Answer: 3", "Answer: 3", "Answer: 7"])
    graph = create_self_consistency(Scripted(script=lambda _: next(replies)), samples=4)
    assert graph.invoke({"messages": [("user", "q")]}, {"max_concurrency": 1})["answer"] == "7"


def test_self_consistency_over_another_strategy() -> None:
    model = Scripted(script=answered, asked=[])
    inner = create_rephrase_and_respond(model)
    assert create_self_consistency(inner, samples=3).invoke({"messages": [("user", "2+2?")]})["answer"] == "4"
    assert len(model.asked) == 6


def test_two_step_rephrasing_shows_both_questions_to_the_second_call() -> None:
    responder, rephraser = Scripted(script=answered, asked=[]), Scripted(script=lambda _: "Add two and two.", asked=[])
    create_rephrase_and_respond(responder, rephraser=rephraser).invoke({"messages": [("user", "2+2?")]})
    assert len(rephraser.asked) == len(responder.asked) == 1
    assert "2+2?" in responder.asked[0]
    assert "Add two and two." in responder.asked[0]


def test_system2_attention_shows_nothing_of_the_original_to_the_second_call() -> None:
    model = Scripted(script=answered, asked=[])
    create_system2_attention(model).invoke({"messages": [("user", "My aunt thinks OPINION. What is 2+2?")]})
    assert "OPINION" in model.asked[0]
    assert "OPINION" not in model.asked[1]
    assert model.asked[1].startswith("What is 2+2?")


@pytest.mark.parametrize(
    ("rewriting", "kept"),
    [
        ("Context: none\nQuestion: What?", "What?"),
        (
            "**Context (unbiased part):** A is B.\nIt rains.\n**Question (without opinion):** What?\nWhy?",
            "A is B.\nIt rains.\nWhat?\nWhy?",
        ),
        ("It labels nothing.", "It labels nothing."),
    ],
)
def test_attended(rewriting: str, kept: str) -> None:
    assert attended(rewriting).replace("** ", "").strip("*") == kept


def test_the_branch_call_sees_no_response_and_both_orders_share_the_criteria() -> None:
    model = Scripted(script=judge, asked=[])
    create_branch_solve_merge(model).invoke({"messages": [("user", PAIR)]}, {"max_concurrency": 1})
    branch, *solves = model.asked
    assert "cat" not in branch
    assert len(solves) == 4
    assert sorted(prompt.split("Criterion: ")[1].split("\n")[0] for prompt in solves) == [
        "count: two items", "count: two items", "kind: every item is an animal", "kind: every item is an animal"]  # fmt: skip


def test_a_judge_that_prefers_the_first_place_ends_in_a_tie() -> None:
    def biased(prompt: str) -> str:
        return "one: thing" if "criteria" in prompt else "Scores: A=5 B=1"

    assert create_branch_solve_merge(Scripted(script=biased)).invoke({"messages": [("user", PAIR)]})["answer"] == "tie"


def test_an_unreadable_branch_leaves_both_sums() -> None:
    scores = [
        {"criterion": 0, "swapped": False, "a": 1, "b": 5},  # its other order could not be read
        {"criterion": 1, "swapped": False, "a": 4, "b": 2},
        {"criterion": 1, "swapped": True, "a": 4, "b": 2},
    ]
    assert verdict(scores) == "A"  # type: ignore[arg-type]
    assert verdict(scores[:1]) is None  # type: ignore[arg-type]


def test_a_pair_without_labels() -> None:
    with pytest.raises(AnswerError, match="no 'response b'"):
        labelled_pair("Request: x\nResponse A: y")
    assert labelled_pair(PAIR).b == "cat, saw"


def test_a_conversation_keeps_its_history() -> None:
    seen: list[int] = []

    class Counting(Scripted):
        def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
            seen.append(len(messages))
            return super()._generate(messages, *args, **kwargs)

    history = [HumanMessage("hi"), AIMessage("hello"), HumanMessage("2+2?")]
    create_chain_of_thought(Counting(script=answered)).invoke({"messages": history})
    assert seen == [3]
