from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langdistill import (
    Price,
    budget,
    create_best_of_n,
    create_branch_solve_merge_generation,
    create_rephrase_and_respond,
    create_self_consistency,
    create_self_refine,
)
from langdistill.budgets import Budget, BudgetSpent, Caps
from langdistill.confidence import p_true
from langdistill.errors import ModelError
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel

ASKED: Any = {"messages": [("user", "2+2?")]}
PRICES = {"scripted": Price(input=1.0, output=10.0)}


def model(**knobs: Any) -> OneReplyChatModel:
    return OneReplyChatModel(script=lambda messages, number: "So.\nAnswer: 4", **knobs)


@pytest.mark.parametrize("kind", [OneReplyChatModel, ScriptedChatModel])
def test_completions_hold_across_nested_graphs_and_fan_out(kind: Any) -> None:
    asked = kind(script=lambda messages, number: "So.\nAnswer: 4")
    inner = create_rephrase_and_respond(create_inner := asked)
    outer = create_self_consistency(inner, samples=5)
    parent = StateGraph(MessagesState).add_node("think", outer).add_edge(START, "think").compile()
    with budget(completions=7) as spent:
        assert parent.invoke(ASKED)["messages"][-1].text == "4"
    assert spent.completions == len(create_inner.prompts) == 7


def test_each_run_of_a_sampled_graph_is_counted_once() -> None:
    with budget() as spent:
        create_self_consistency(create_rephrase_and_respond(model()), samples=3).invoke(ASKED)
    assert spent.completions == 6


def test_tokens_stop_what_comes_next() -> None:
    with budget(tokens=3) as spent:
        output = create_self_refine(model()).invoke(ASKED)
    assert spent.completions == 1
    assert output["stopped"] == f"tokens {spent.tokens} of 3"


def test_money_by_the_users_prices() -> None:
    with budget(money=1e-4, prices=PRICES) as spent:
        output = create_self_refine(model(), rounds=9).invoke(ASKED)
    assert output["stopped"] == f"money {spent.money:.3g} of 0.0001"
    [row] = spent.ledger()
    assert row["cost"] == pytest.approx((row["input_tokens"] * 1.0 + row["tokens"] * 10.0) / 1e6)
    assert spent.money == row["cost"] >= 1e-4


def test_money_needs_a_price_for_every_model() -> None:
    asked = model()
    with budget(money=1.0, prices={"gpt-4.1": (2.0, 8.0)}), pytest.raises(ModelError, match="no price for the model"):  # type: ignore[dict-item]
        create_rephrase_and_respond(asked).invoke(ASKED)
    assert not asked.prompts, "nothing was paid for before the error"
    with budget() as spent:
        create_rephrase_and_respond(asked).invoke(ASKED)
    assert spent.ledger()[0]["cost"] is None


def test_seconds_are_counted_from_the_start_of_the_block() -> None:
    with budget(seconds=0.5) as spent:
        output = create_self_refine(model(delay=0.6)).invoke(ASKED)
    assert spent.completions == 1
    assert output["stopped"].startswith("seconds ")


def test_the_best_so_far_of_a_merge_is_its_parts() -> None:
    parts = iter(["a\nb", "one", "two"])
    asked = OneReplyChatModel(script=lambda messages, number: next(parts))
    with budget(completions=3):
        output = create_branch_solve_merge_generation(asked).invoke(ASKED, {"max_concurrency": 1})
    assert output["answer"] == "one\n\ntwo"
    assert output["messages"][-1].response_metadata["stopped"] == "completions 3 of 3"


def test_an_inner_block_counts_towards_the_outer_one() -> None:
    graph = create_self_consistency(model(), samples=4)
    with budget(completions=6) as outer:
        with budget(completions=3) as inner:
            assert graph.invoke(ASKED)["stopped"] == "completions 3 of 3"
        assert graph.invoke(ASKED)["stopped"] == "completions 6 of 6"
    assert (inner.completions, outer.completions) == (3, 6)


def test_the_outer_cap_holds_inside() -> None:
    graph = create_self_consistency(model(), samples=4)
    with budget(completions=2), budget(completions=10) as inner:
        assert graph.invoke(ASKED)["stopped"] == "completions 2 of 2"
        with pytest.raises(BudgetSpent, match="completions 2 of 2"):
            graph.invoke(ASKED)
    assert inner.completions == 2


def test_runs_side_by_side_share_a_budget_and_threads_outside_do_not() -> None:
    graph = create_self_consistency(model(delay=0.01), samples=4)
    seen: list[Any] = []

    async def both() -> list[Any]:
        return await asyncio.gather(*(graph.ainvoke(ASKED) for _ in range(3)), return_exceptions=True)

    with budget(completions=6) as spent:
        outside = threading.Thread(target=lambda: seen.append(graph.invoke(ASKED)))
        outside.start()
        asyncio.run(both())
        outside.join()
    assert spent.completions == 6
    assert "stopped" not in seen[0]


def test_admission_is_exact_under_threads() -> None:
    shared = Budget(Caps(completions=1000))
    admitted: list[int] = []

    def admit() -> None:
        for _ in range(300):
            admitted.append(len(shared.admit(["x"])))
            time.sleep(0)

    threads = [threading.Thread(target=admit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == 1000


def test_the_ledger_tells_models_apart() -> None:
    other = ScriptedChatModel(model="rephraser", script=lambda messages, number: "What is two and two?")
    with budget() as spent:
        create_rephrase_and_respond(model(), rephraser=other).invoke(ASKED)
    assert [(row["strategy"], row["model"], row["completions"]) for row in spent.ledger()] == [
        ("rephrase_and_respond", "rephraser", 1),
        ("rephrase_and_respond", "scripted", 1),
    ]


def test_a_fallback_is_charged_under_its_own_name() -> None:
    def down(messages: Any, number: int) -> str:
        raise ConnectionError("down")

    cheap = OneReplyChatModel(model="cheap", script=down)
    prices = {"cheap": Price(0.0, 1.0), "dear": Price(0.0, 100.0)}
    with budget(money=10, prices=prices) as spent:
        create_rephrase_and_respond(cheap.with_fallbacks([model(model="dear")])).invoke(ASKED)
    [row] = spent.ledger()
    assert (row["model"], row["completions"], row["cost"]) == ("dear", 2, row["tokens"] * 100 / 1e6)


def test_what_waits_in_a_fan_out_looks_at_the_caps_again() -> None:
    slow = model(delay=0.3)
    with budget(seconds=0.5):
        output = create_self_consistency(slow, samples=8).invoke(ASKED, {"max_concurrency": 1})
    assert 1 <= len(slow.prompts) <= 2
    assert output["stopped"].startswith("seconds")
    with budget(tokens=1) as spent:
        output = create_self_consistency(model(), samples=8).invoke(ASKED, {"max_concurrency": 1})
    assert (spent.completions, output["stopped"]) == (1, "tokens 3 of 1")


def test_a_later_turn_of_a_thread_knows_nothing_of_an_earlier_cap() -> None:
    script = lambda messages, number: "Answer: 4" if "Feedback" in messages[-1].text else "Improve it."  # noqa: E731
    asked = OneReplyChatModel(script=script)
    graph = create_self_refine(asked, rounds=1, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    with budget(completions=1):
        assert graph.invoke(ASKED, config)["stopped"] == "completions 1 of 1"
    output = graph.invoke({"messages": [("user", "3+3?")]}, config)
    assert len(asked.prompts) == 1 + 3
    assert output["stopped"] is None
    assert "stopped" not in output["messages"][-1].response_metadata


def test_what_is_resumed_is_not_charged_again() -> None:
    paused: list[int] = []

    def script(messages: Any, number: int) -> str:
        if number == 3 and not paused:
            paused.append(1)
            interrupt("may I go on?")
        return "Answer: 4"

    asked = OneReplyChatModel(script=script)
    graph = create_self_consistency(asked, samples=8, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    with budget(completions=9) as spent:
        graph.invoke(ASKED, config)
        output = graph.invoke(Command(resume="yes"), config)
    assert "stopped" not in output
    assert (len(asked.prompts), spent.completions) == (9, 8)
    assert len(graph.get_state(config).values["candidates"]) == 8


def test_a_weighing_that_cannot_be_paid_for_leaves_the_plain_vote() -> None:
    with budget(completions=8):
        output = create_self_consistency(model(), samples=8, confidence=p_true).invoke(ASKED)
    assert (output["answer"], output["stopped"]) == ("4", "completions 8 of 8")


def test_a_cap_inside_a_sampled_graph_is_said_outside() -> None:
    critical = OneReplyChatModel(script=lambda messages, number: "Improve it.")
    with budget(completions=1):
        output = create_best_of_n(create_self_refine(critical), lambda one: 1.0, samples=1).invoke(ASKED)
    assert output["stopped"] == "completions 1 of 1"
