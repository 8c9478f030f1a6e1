"""The graph on scripted models: what is asked, what is kept, and who is trusted (2408.06195, section 3)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langdistill.budgets import budget
from langdistill.errors import ModelError, PromptError, UnknownName
from langdistill.jobs import sample_path
from langdistill.records import digest
from langdistill.search.choosing import Checked, Trace, choose, majority, traces_of
from langdistill.search.masking import lines_of, prefixes
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import OURS, PAPER, PRESETS, REPO, Settings
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel
from langdistill.votes import fixed

SMALL = Settings(rollouts=6, depth=4, thoughts=2, sub_questions=2, last_votes=4, votes=2, at_once=3)
QUESTION = "Ann has 3 apples. Bob gives her 4. How many apples has she?"


def kind_of(text: str) -> str:
    """Which action asks."""
    for kind, words in {
        "A1": "next single step", "A2": "from here to the end", "A3": "Which sub-question", "A4": "may be wrong",
        "A5": "Rephrase", "then": "in a few sentences", "check": "Go on from here",
    }.items():  # fmt: skip
        if words in text:
            return kind
    raise AssertionError(text)


def generator(right: float = 0.7) -> Callable[[list[BaseMessage], int], str]:
    """Right so often, by the prompt and the index of the sample: whichever request comes first."""

    def says(messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        rng = Random(digest(text, str(sample_path.get())))
        answer = "7" if rng.random() < right else rng.choice(["1", "12"])
        kind = kind_of(text)
        if kind == "A1":
            return f"Step {rng.randrange(3)}." + (f"\nAnswer: {answer}" if rng.random() < 0.3 else "")
        if kind == "A3":
            return "Now we can answer the question." if rng.random() < 0.3 else f"How many is {rng.randrange(3)}?"
        if kind == "A5":
            return "Conditions: 3 and 4."
        return f"Thus {rng.randrange(100)}.\nAnswer: {answer}"

    return says


def model(right: float = 0.7) -> OneReplyChatModel:
    return OneReplyChatModel(script=generator(right))


def ran(graph: Any, text: str = QUESTION, **config: Any) -> dict[str, Any]:
    keys = ["messages", "answer", "tree", "ended", "checked", "searched", "stopped"]
    return graph.invoke({"messages": [("user", text)]}, config or None, output_keys=keys)


def test_a_search_and_its_tree() -> None:
    said = model(0.55)
    found = ran(create_mutual_reasoning(said, preset=SMALL))
    assert found["answer"] == "7"
    assert found["messages"][-1].text == "7"
    root, *others = found["tree"]
    assert (root["parent"], root["visits"]) == (None, SMALL.rollouts)
    assert root["value"] == pytest.approx(sum(one["value"] for one in others if one["parent"] == 0))
    assert all(0 < one["reward"] <= 1 for one in others if one["answer"])
    assert found["searched"]["thoughts"][found["searched"]["chosen"]]["answer"] == "7"
    kinds = Counter(kind_of(prompt[-1].text) for prompt in said.prompts)
    assert {"A1", "A2", "A3", "A5", "then", "check"} <= set(kinds)


def test_3_the_reward_is_the_share_of_the_majority() -> None:
    """Of A2 at the root: four samples of which three agree."""

    def says(messages: list[BaseMessage], number: int) -> str:
        return f"So.\nAnswer: {'7771'[number % 4]}"

    only = replace(SMALL, grammar=SMALL.grammar.without({"A1", "A3", "A4", "A5"}), rollouts=3)
    found = ran(create_mutual_reasoning(ScriptedChatModel(script=says), preset=only))
    [_, leaf] = found["tree"]
    assert (leaf["action"], leaf["answer"], leaf["reward"]) == ("A2", "7", 0.75)
    assert (leaf["visits"], leaf["value"]) == (3, pytest.approx(2.25))


def test_a_thought_that_comes_to_an_answer_has_the_share_of_what_was_sampled_there() -> None:
    def says(messages: list[BaseMessage], number: int) -> str:
        return "Thus.\nAnswer: 7" if kind_of(messages[-1].text) == "A1" else f"So.\nAnswer: {'7711'[number % 4]}"

    only = replace(SMALL, grammar=SMALL.grammar.without({"A3", "A4", "A5"}), rollouts=1, thoughts=1)
    found = ran(create_mutual_reasoning(ScriptedChatModel(script=says), preset=only))
    assert {one["action"]: one["reward"] for one in found["tree"][1:]} == {"A1": 3 / 5, "A2": 1 / 2}


def test_the_same_seed_gives_the_same_search_and_sync_is_async() -> None:
    graph = create_mutual_reasoning(OneReplyChatModel(script=generator()), preset=SMALL, seed=5)
    one, again = ran(graph), ran(graph)
    later = asyncio.run(graph.ainvoke({"messages": [("user", QUESTION)]}, output_keys=["tree", "answer"]))
    assert one["tree"] == again["tree"] == later["tree"]
    other = ran(create_mutual_reasoning(OneReplyChatModel(script=generator()), preset=SMALL, seed=6))
    assert other["tree"] != one["tree"]


@pytest.mark.parametrize("at_once", [1, 2, 6])
def test_rollouts_at_once_make_as_many_visits(at_once: int) -> None:
    found = ran(create_mutual_reasoning(model(), preset=replace(SMALL, at_once=at_once)))
    assert found["tree"][0]["visits"] == SMALL.rollouts


def test_nothing_is_asked_twice_of_a_node() -> None:
    said = model()
    ran(create_mutual_reasoning(said, preset=SMALL))
    asked = Counter(prompt[-1].text for prompt in said.prompts)
    most = max(SMALL.last_votes, SMALL.votes, SMALL.thoughts)
    again = {text: count for text, count in asked.items() if count > most and kind_of(text) != "check"}
    assert not again


def test_4_traces_are_cut_between_steps_and_the_rest_is_not_shown() -> None:
    said, second = model(), model(right=0.9)
    found = ran(create_mutual_reasoning(said, second, preset=replace(SMALL, prefixes=2)))
    told = [trace.lines for trace in traces_of(found["tree"], found["ended"])]
    assert second.prompts
    for prompt in second.prompts:
        shown = [line for line in prompt[-1].text.split("Go on from here")[0].splitlines() if line][1:]
        lines = tuple(shown[1:]) if shown else ()
        [*matching] = [one for one in told if one[: len(lines)] == lines]
        assert matching, "what is shown is the beginning of a trace, whole lines of it"
        assert all(len(lines) < len(one) for one in matching), "and its end is not"


def test_4_cuts_lie_between_the_shares_and_are_drawn_by_the_seed() -> None:
    lines = [f"line {at}" for at in range(10)]
    for seed in range(20):
        cuts = [len(one) for one in prefixes(lines, 3, (0.2, 0.8), Random(seed))]
        assert cuts == sorted(set(cuts))
        assert all(2 <= cut <= 8 for cut in cuts)
        assert cuts == [len(one) for one in prefixes(lines, 3, (0.2, 0.8), Random(seed))]
    assert prefixes(["only"], 2, (0.2, 0.8), Random(0)) == [[]]
    assert prefixes([], 2, (0.2, 0.8), Random(0)) == []
    assert lines_of(["a\n\nb ", "c"]) == ["a", "b", "c"]


def trace(leaf: int, answer: str, reward: float, confidence: float) -> Trace:
    return Trace(leaf, (f"line of {leaf}",), answer, reward, confidence)


FOUND = (trace(1, "7", 3.0, 0.5), trace(2, "12", 2.0, 0.9), trace(3, "7.0", 0.5, 0.9), trace(4, "1", 0.5, 0.2))


def checked(*agreed: int, of: int = 4) -> list[Checked]:
    return [Checked(one, count, of) for one, count in zip(FOUND, agreed, strict=True)]


def test_5_the_product_of_reward_and_confidence_over_verified_traces() -> None:
    assert choose(checked(4, 4, 0, 1)) == FOUND[1], "2.0 x 0.9 > 3.0 x 0.5"
    assert choose(checked(4, 1, 4, 4)) == FOUND[0], "12 is not verified"
    assert choose(checked(2, 1, 0, 1), agree=0.6) == majority(FOUND), "none is verified"
    assert choose(checked(2, 2, 2, 2)) == majority(FOUND), "the second model tells nothing apart"
    assert choose([Checked(one, 0, 0) for one in FOUND]) == majority(FOUND)
    assert choose([]) is None


def test_5_the_authors_sum_trusts_a_singleton_that_survives() -> None:
    """1/2 of the rewards and survival 1, against 1/2 and 1/3: the defect of the sum, which can be chosen."""
    kept = Checked(trace(1, "7", 1.0, 0.9), 2, 4)
    some = [kept, *(Checked(trace(at, "7.0", 1.0, 0.5), 1, 4) for at in (2, 3)), Checked(trace(4, "1", 1.0, 0.3), 4, 4)]
    assert choose(some, score="repo") == some[-1].trace, "1/2 + 1 > 1/2 + 1/3"
    assert choose(some, score="product") == kept.trace, "0.9 > 0.3"
    assert choose(some, score="smoothed") == kept.trace, "3 x 5/14 > 1 x 5/6"


def test_5_the_sum_is_of_verified_rewards() -> None:
    some = [
        Checked(trace(1, "7", 2.0, 0.1), 4, 4), Checked(trace(2, "7", 9.0, 0.9), 0, 4),
        Checked(trace(3, "1", 1.0, 0.1), 4, 4), Checked(trace(4, "1", 1.0, 0.9), 2, 4), Checked(trace(5, "1", 1.0, 0.2), 4, 4),
    ]  # fmt: skip
    assert choose(some, score="repo") == some[3].trace, (
        "3/5 + 1 > 2/5 + 1/2, and of that answer the trace of the best product"
    )
    assert choose(some, score="smoothed") == some[0].trace, "11 x 5/10 > 3 x 11/14"


def test_5_the_majority_is_of_rewards_by_equivalence() -> None:
    assert majority(FOUND) == FOUND[0]
    assert majority([trace(1, "1/2", 1.0, 0.5), trace(2, "3", 1.5, 0.9), trace(3, "0.5", 1.0, 0.6)]) == trace(
        3, "0.5", 1.0, 0.6
    )
    assert majority([]) is None


def test_7_the_ledger_counts_both_models() -> None:
    said, second = model(), model()
    with budget() as spent:
        ran(create_mutual_reasoning(said, second, preset=SMALL))
    assert spent.completions == len(said.prompts) + len(second.prompts)


def test_8_presets() -> None:
    assert (PAPER.rollouts, PAPER.thoughts, PAPER.sub_questions, PAPER.depth, PAPER.exploration) == (32, 5, 5, 5, 2.0)
    assert (PAPER.last_votes, PAPER.votes, PAPER.mask, PAPER.score) == (32, 10, (0.2, 0.8), "product")
    assert (REPO.rollouts, REPO.thoughts, REPO.sub_questions, REPO.prefixes, REPO.mask) == (16, 3, 3, 4, (0.2, 0.5))
    assert (REPO.score, REPO.at_once) == ("repo", 1)
    assert set(PRESETS) == {"paper", "repo", "ours"}
    assert (OURS.rollouts, OURS.last_votes, OURS.votes, OURS.score) == (16, 8, 4, "smoothed")
    assert (OURS.stop.name, OURS.stop.batch) == ("early_stopping", 2)
    assert PAPER.stop == REPO.stop == fixed
    assert OURS.enough is None


@pytest.mark.parametrize("most", [0, 1, 7, 30, 60])
def test_a_budget_leaves_the_best_so_far(most: int) -> None:
    said = model()
    with budget(completions=most) as spent:
        found = ran(create_mutual_reasoning(said, preset=SMALL))
    assert spent.completions <= most
    assert len(said.prompts) <= most
    if most >= 30:
        assert found["answer"] in ("7", "1", "12")
    if most < 60:
        assert found["stopped"].startswith(f"completions {most} of {most}") or most == 0


def test_an_early_exit_saves() -> None:
    whole, early = model(0.95), model(0.95)
    assert ran(create_mutual_reasoning(whole, preset=replace(SMALL, rollouts=12)))["answer"] == "7"
    assert ran(create_mutual_reasoning(early, preset=replace(SMALL, rollouts=12, enough=0.5)))["answer"] == "7"
    assert len(early.prompts) < len(whole.prompts)


@pytest.mark.parametrize("dies_at", [0, 3, 11, 25, 35])
def test_a_killed_search_asks_only_for_what_is_missing(dies_at: int) -> None:
    answered: list[str] = []

    def dies(messages: list[BaseMessage], number: int) -> str:
        if alive or len(answered) < dies_at:
            answered.append(messages[-1].text)
            return generator()(messages, number)
        raise KeyboardInterrupt

    alive = False
    told: Any = {"configurable": {"thread_id": "1"}, "max_concurrency": 4}
    said = OneReplyChatModel(script=dies)
    graph = create_mutual_reasoning(said, preset=SMALL, checkpointer=InMemorySaver())
    with pytest.raises(KeyboardInterrupt):
        graph.invoke({"messages": [("user", QUESTION)]}, told)
    assert len(answered) >= dies_at
    alive = True
    found = graph.invoke(None, told, output_keys=["tree", "answer"])
    alone = model()
    assert found["tree"] == ran(create_mutual_reasoning(alone, preset=SMALL))["tree"]
    assert len(answered) <= len(alone.prompts) + told["max_concurrency"], "only what was under way is paid for twice"


@pytest.mark.parametrize("step", ["search", "verify", "present"])
def test_a_state_is_builtins_at_every_step(step: str) -> None:
    """So that it is kept where checkpoints are read strictly, and is the same state when it comes back."""
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    graph = create_mutual_reasoning(model(), preset=SMALL, checkpointer=saver)
    told: Any = {"configurable": {"thread_id": "1"}}
    graph.invoke({"messages": [("user", QUESTION)]}, told, interrupt_before=[step])
    assert graph.get_state(told).next == (step,)
    found = graph.invoke(None, told, output_keys=["answer", "searched"])
    alone = ran(create_mutual_reasoning(model(), preset=SMALL))
    assert (found["answer"], found["searched"]) == (alone["answer"], alone["searched"])


def test_a_generator_that_never_comes_to_an_answer() -> None:
    found = ran(create_mutual_reasoning(OneReplyChatModel(script=lambda messages, number: "Hm."), preset=SMALL))
    assert found["answer"] is not None or found["messages"][-1].text


def test_nothing_can_be_read() -> None:
    graph = create_mutual_reasoning(model(), preset=SMALL, extract=lambda text: None)
    found = ran(graph)
    assert found["answer"] is None
    assert traces_of(found["tree"], found["ended"]) == []
    assert found["checked"] == []
    assert "Step" in found["messages"][-1].text or "Conditions" in found["messages"][-1].text


@pytest.mark.parametrize("word", ["7", "never that"])
def test_a_second_model_that_always_says_the_same(word: str) -> None:
    second = OneReplyChatModel(script=lambda messages, number: f"Answer: {word}")
    assert ran(create_mutual_reasoning(model(), second, preset=SMALL))["answer"] == "7"


def test_what_is_refused() -> None:
    with pytest.raises(ModelError, match="rollouts=0"):
        Settings(rollouts=0)
    with pytest.raises(ModelError, match="mask"):
        Settings(mask=(0.8, 0.2))
    with pytest.raises(UnknownName, match="ours, paper, repo"):
        create_mutual_reasoning(model(), preset="best")
    with pytest.raises(PromptError):
        create_mutual_reasoning(model(), complete="{question}")
    with pytest.raises(ModelError, match="No way leads"):
        replace(SMALL, grammar=SMALL.grammar.without({"A1", "A2", "A3"}))
