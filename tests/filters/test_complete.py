from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill import TraceRecorder, adaptive_consistency, budget, create_chain_of_thought, create_self_consistency
from langdistill.errors import DatasetError
from langdistill.filters.complete import complete
from langdistill.groups import Group, grouped
from langdistill.perturbations.swapped import swapped
from langdistill.records import Trace
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import OneReplyChatModel

FOUR = OneReplyChatModel(script=lambda messages, number: "Answer: 4")


def recorded(graph: Any, times: int = 1, **metadata: Any) -> list[Trace]:
    store = MemoryStore()
    recorder = TraceRecorder(store)
    for _ in range(times):
        config: Any = {"callbacks": [recorder], "metadata": {"problem": "p"} | metadata}
        graph.invoke({"messages": [("user", "2+2?")]}, config)
    recorder.close()
    return list(store.traces())


def group_of(*traces: Trace) -> Group:
    [group] = grouped(traces)
    return group


def verdict(*traces: Trace, **asked: Any) -> tuple[bool | None, list[str]]:
    said = complete(**asked)(group_of(*traces))
    assert said.reason == ("complete" if said.keep else "incomplete")
    return said.keep, said.evidence["missing"]


def broken_at(*broken: int) -> OneReplyChatModel:
    def script(messages: list[BaseMessage], number: int) -> str:
        if number in broken:
            raise ValueError("no")
        return "Answer: 4"

    return OneReplyChatModel(script=script)


def test_as_many_samples_as_the_strategy_was_to_draw() -> None:
    [whole] = recorded(create_self_consistency(FOUR, samples=8))
    [short] = recorded(create_self_consistency(broken_at(2, 5), samples=8))
    assert verdict(whole) == (True, [])
    assert verdict(short) == (None, ["original: a run has 6 of 8 samples"])
    assert verdict(whole, samples=9) == (None, ["original: 8 of 9 samples"])


def test_a_budget_that_cut_the_samples_short() -> None:
    with budget(completions=5):
        [cut] = recorded(create_self_consistency(FOUR, samples=8))
    assert verdict(cut) == (None, ["original: a run has 5 of 8 samples"])


def test_a_stopping_rule_decides_how_many_are_enough() -> None:
    [early] = recorded(create_self_consistency(FOUR, samples=40, stop=adaptive_consistency()))
    assert verdict(early) == (True, [])
    assert verdict(early, samples=4) == (True, [])
    assert verdict(early, samples=5)[0] is None


def test_runs_that_are_samples_themselves() -> None:
    runs = recorded(create_chain_of_thought(FOUR), times=8)
    assert verdict(*runs, samples=8) == (True, [])
    assert verdict(*runs[:7], samples=8) == (None, ["original: 7 of 8 samples"])
    assert verdict(*runs[:7]) == (True, []), "such a run says nothing of others"


def test_a_sample_without_an_answer_is_there() -> None:
    mute = OneReplyChatModel(script=lambda messages, number: "hm\nhm")
    [run] = recorded(create_self_consistency(mute, samples=3))
    assert group_of(run).answers == [None] * 3
    assert verdict(run) == (True, [])


def test_every_perturbation_and_its_samples() -> None:
    [original] = recorded(create_self_consistency(FOUR, samples=3))
    [changed] = recorded(create_self_consistency(FOUR, samples=3), perturbation="swapped")
    [short] = recorded(create_self_consistency(broken_at(0), samples=3), perturbation="swapped")
    assert verdict(original, perturbations=["swapped"]) == (None, ["swapped"])
    assert verdict(original, changed, perturbations=[swapped()]) == (True, [])
    assert verdict(original, short) == (None, ["swapped: a run has 2 of 3 samples"])


@pytest.mark.parametrize("outcome", ["failed", "cancelled", "lost"])
def test_a_broken_run(outcome: Any) -> None:
    [whole] = recorded(create_self_consistency(FOUR, samples=2))
    assert verdict(whole, whole.model_copy(update={"outcome": outcome})) == (None, [f"original: a run was {outcome}"])


def test_lost_events() -> None:
    [whole] = recorded(create_self_consistency(FOUR, samples=2))
    assert verdict(whole.model_copy(update={"lost": 3})) == (None, ["original: 3 lost events"])


def test_no_samples_at_all_are_no_request() -> None:
    with pytest.raises(DatasetError, match="asks for nothing"):
        complete(samples=0)
