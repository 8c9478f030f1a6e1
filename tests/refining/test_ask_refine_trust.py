from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.retrievers import BaseRetriever

from langdistill import create_chain_of_thought
from langdistill.answers import decision
from langdistill.budgets import budget
from langdistill.errors import ModelError, PromptError
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.always import always
from langdistill.refining.askers.trained import trained
from langdistill.refining.askers.validator import validator
from langdistill.refining.askers.zero_shot import zero_shot
from langdistill.refining.doubting import doubt_in
from langdistill.refining.trusters.judge import judge
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.refining.trusters.ranker import ranker
from langdistill.testing.conformance import Graph, StrategyTests
from langdistill.testing.models import OneReplyChatModel

QUESTION = "What is 2 + 2?"


def model(*replies: Any) -> OneReplyChatModel:
    """Says these, one after the other."""
    return OneReplyChatModel(script=lambda messages, number: replies[number])


def asked(graph: Graph, text: str = QUESTION) -> dict[str, Any]:
    return graph.invoke({"messages": [("user", text)]})


def scored(**scores: float) -> Any:
    """A scorer by the answer in the reply."""
    return ranker(lambda one: scores[one["reply"].split()[-1]])


class TestRefined(StrategyTests):
    """Whatever is said first is doubted and refined to the same answer."""

    answers_early = True

    def create(self, model: Any, **knobs: Any) -> Graph:
        return create_ask_refine_trust(model, **knobs)

    def script(self, messages: list[BaseMessage], number: int) -> str:
        return "Is it 4?\nRefine: yes" if "Refine:" in messages[-1].text else "I think.\nAnswer: 4"


class TestTrusted(TestRefined):
    """The refinement is another answer, and both orders prefer it."""

    answer = "5"
    fans_out = True

    def script(self, messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        if "Verdict:" in text:
            return "Verdict: A" if "Answer A:\nI see." in text else "Verdict: B"
        if "Refine:" in text:
            return "Is it 4?\nRefine: yes"
        return "I see.\nAnswer: 5" if "may be wrong" in text else "I think.\nAnswer: 4"


@pytest.mark.parametrize("score", [math.nan, None, "high"])
def test_a_score_that_is_no_number_is_an_error(score: Any) -> None:
    said = model("Answer: 4", "Answer: 5")
    graph = create_ask_refine_trust(said, asker=always(), truster=ranker(lambda one: score))
    with pytest.raises(ModelError, match="it must give a number"):
        asked(graph)


@pytest.mark.parametrize("refined", ["I am sure.\nAnswer: 4.0", ""])
def test_a_refinement_to_the_same_answer_or_to_nothing_is_not_judged(refined: str) -> None:
    said = model("Answer: 4", refined)
    truster = ranker(lambda one: pytest.fail("no trust is to be paid for"))
    assert asked(create_ask_refine_trust(said, asker=always(), truster=truster))["answer"] == "4"


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_that_is_no_probability(threshold: float) -> None:
    with pytest.raises(ModelError, match="is no probability"):
        create_ask_refine_trust(model(), threshold=threshold)


def sure(text: str, yes: float) -> AIMessage:
    """A reply whose decision's token has these odds."""
    head, word = text.rsplit(" ", 1)
    other = "no" if word == "yes" else "yes"
    share = yes if word == "yes" else 1 - yes
    top = [{"token": f" {word}", "logprob": math.log(share)}, {"token": f" {other}", "logprob": math.log(1 - share)}]
    tokens = [{"token": head, "logprob": -0.1}, {"token": f" {word}", "logprob": math.log(share), "top_logprobs": top}]
    return AIMessage(text, response_metadata={"logprobs": {"content": tokens}})


def test_doubts_as_they_are_read() -> None:
    text = "1. How many?\n- What is left?\nSo it is wrong.\nRefine: yes"
    assert doubt_in(AIMessage(text)) == (["How many?", "What is left?"], 1.0)
    assert doubt_in(AIMessage("**Refine:** No")) == ([], 0.0)
    assert doubt_in(AIMessage("Refine: maybe")) == ([], None)
    assert doubt_in(sure("Is it?\nRefine: yes", 0.75)).refine == pytest.approx(0.75)
    assert decision("Refine: yes\nRefine: no") == (False, 20)
    assert decision("I refine nothing") is None


def test_the_sub_questions_and_the_facts_are_told_to_the_refinement() -> None:
    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            return [Document("Two and two make four."), Document(f"Asked: {query.splitlines()[-1]}")]

    def said() -> OneReplyChatModel:
        return model("Answer: 4", "What is two?\nRefine: yes", "Answer: 5")

    def told(run: Any) -> str:
        chat = said()
        run(create_ask_refine_trust(chat, truster=most_recent(), retriever=Shelf()))
        return chat.prompts[2][-1].text

    prompt = told(asked)
    assert "Answer these sub-questions on the way:\n- What is two?\n" in prompt
    assert "Facts:\n- Two and two make four.\n- Asked: What is two?\n" in prompt
    later = told(lambda graph: asyncio.run(graph.ainvoke({"messages": [("user", QUESTION)]})))
    assert later == prompt


def test_any_strategy_may_answer_first() -> None:
    said = model("Thinking.\nAnswer: 4", "Answer: 5")
    graph = create_ask_refine_trust(said, initial=create_chain_of_thought(said), asker=always(), truster=most_recent())
    assert asked(graph)["answer"] == "5"
    assert "A first answer:\n4\n" in said.prompts[1][-1].text


def test_a_validator_refines_what_it_complains_of_and_says_why() -> None:
    def check(question: str, reply: str) -> list[str]:
        if "boom" in reply:
            raise ValueError("cannot be parsed")
        return ["The answer is odd."] if reply.endswith(("1", "3", "5")) else []

    for first, complaint in (
        ("Answer: 5", "The answer is odd."),
        ("Answer: boom", "The check failed: cannot be parsed"),
    ):
        said = model(first, "Answer: 4")
        assert asked(create_ask_refine_trust(said, asker=validator(check), truster=most_recent()))["answer"] == "4"
        assert complaint in said.prompts[1][-1].text
    said = model("Answer: 4")
    assert asked(create_ask_refine_trust(said, asker=validator(check), truster=most_recent()))["answer"] == "4"


@pytest.mark.parametrize(("most", "answer"), [(1, "4"), (2, "4"), (3, "4"), (5, "5")])
def test_a_budget_leaves_the_best_so_far(most: int, answer: str) -> None:
    script = TestTrusted().script
    with budget(completions=most):
        found = asked(create_ask_refine_trust(OneReplyChatModel(script=script)))
    assert found["answer"] == answer
    assert found.get("stopped") == (None if most == 5 else f"completions {most} of {most}")


def test_the_asker_may_be_another_model() -> None:
    for kind in (zero_shot, trained):
        large, small = model("Answer: 4", "Answer: 5"), model("Is it?\nRefine: yes")
        assert asked(create_ask_refine_trust(large, asker=kind(small), truster=most_recent()))["answer"] == "5"
        assert len(small.prompts) == 1


def test_templates_are_checked_at_once() -> None:
    for made in (
        lambda: create_ask_refine_trust(model(), refine="{question}"),
        lambda: create_ask_refine_trust(model(), prompt="{x}"),
        lambda: zero_shot(model(), "{question}"),
        lambda: judge(model(), "{question}"),
    ):
        with pytest.raises(PromptError):
            made()
