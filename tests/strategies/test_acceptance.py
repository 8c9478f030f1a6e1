"""What a faithful System-2 distillation must show of its thinking side (Yu et al., 2407.06023), end to end through real traces.

The other points stand with the part that they belong to: Branch-Solve-Merge, Rephrase and Respond and System 2 Attention in
their own files, the canary of the exported data set in tests/datasets/test_harvest.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill import (
    TraceRecorder,
    agreement,
    budget,
    create_branch_solve_merge,
    create_chain_of_thought,
    create_self_consistency,
    harvest,
    stable_under,
)
from langdistill.answers import verdict
from langdistill.errors import DatasetError
from langdistill.filters.complete import complete
from langdistill.filters.correct import correct
from langdistill.lab.tasks import TASKS
from langdistill.perturbations.case_and_space import case_and_space
from langdistill.records import Problem
from langdistill.testing.models import OneReplyChatModel

JUDGING = TASKS["judging"]
[SWAPPED] = JUDGING.perturbations


def order_blind(messages: list[BaseMessage], number: int) -> str:
    """The longer response, wherever it stands."""
    told = messages[-1].text
    first = told.split("Response A:")[1].split("Response B:")[0].strip()
    second = told.split("Response B:")[1].strip().split("\n")[0]
    return "A" if (len(first), first) > (len(second), second) else "B"


def first_place(messages: list[BaseMessage], number: int) -> str:
    return "A"


def recorded(script: Any, folder: Path, questions: int = 30) -> Path:
    """Every question and its swapped version, judged and recorded."""
    draw = JUDGING.draw(questions, seed=1, pool="dev")
    judge = create_chain_of_thought(OneReplyChatModel(script=script), prompt="{question}", name="judge")
    recorder = TraceRecorder(folder / "traces.db")
    for problem in draw.problems:
        for one in (problem, SWAPPED.problem(problem)):
            judge.invoke({"messages": [("user", one.question)]}, {"callbacks": [recorder], "metadata": one.metadata})
    recorder.close()
    return folder / "traces.db"


def test_a_judge_that_prefers_the_first_place_keeps_nothing_and_is_wholly_inconsistent(tmp_path: Path) -> None:
    selected = harvest(recorded(first_place, tmp_path), graph="judge").filter(stable_under(SWAPPED))
    with pytest.raises(DatasetError, match="unstable: 30"):
        selected.write(tmp_path / "data")


def test_an_order_blind_judge_keeps_everything_and_the_swap_is_undone(tmp_path: Path) -> None:
    traces = recorded(order_blind, tmp_path)
    dataset = harvest(traces, graph="judge").filter(stable_under(SWAPPED)).write(tmp_path / "data")
    last = dataset.funnel[-1]
    assert (last["kept"], last["reasons"]) == (30, {})
    answers = {row["completion"][0]["content"] for row in dataset.rows()}
    assert answers == {"A", "B"}, "both verdicts came up, so both were mapped back through the swap"


def test_gpt4_s_own_judgements_through_the_perturbation_filter(data: Path, tmp_path: Path) -> None:
    """Ten pairs that GPT-4 judged in both orders: three contradict themselves, and only those are dropped."""
    lines = (data / "fastchat_skycamp/model_judgment/gpt-4_pair.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    judged = {row[f"g{order}_user_prompt"]: row[f"g{order}_judgment"] for row in rows for order in (1, 2)}
    model = OneReplyChatModel(script=lambda messages, number: judged[messages[-1].text])
    judge = create_chain_of_thought(model, prompt="{question}", extract=verdict, name="judge")
    recorder = TraceRecorder(tmp_path / "traces.db")
    stored: dict[str, str] = {}
    for number, row in enumerate(rows):
        for order, perturbation in ((1, None), (2, SWAPPED.name)):
            one = Problem(id=str(number), question=row[f"g{order}_user_prompt"], perturbation=perturbation)
            config: Any = {"callbacks": [recorder], "metadata": one.metadata}
            judge.invoke({"messages": [("user", one.question)]}, config)
        stored[str(number)] = row["g1_winner"] if row["g1_winner"] == row["g2_winner"] else "inconsistent"
    recorder.close()
    found = harvest(tmp_path / "traces.db", graph="judge", extract=verdict).filter(stable_under(SWAPPED)).run()
    assert {one["problem"] for one in found.rejects} == {key for key, won in stored.items() if won == "inconsistent"}
    assert found.funnel[-1]["reasons"] == {"unstable": 3}
    names = {"A": "model_1", "B": "model_2", "tie": "tie"}
    assert {one.problem: names[str(one.answer)] for one in found.examples} == {
        key: won for key, won in stored.items() if won != "inconsistent"
    }


def test_a_branch_solve_merge_judge_that_prefers_the_first_place_ties_everywhere() -> None:
    def script(messages: list[BaseMessage], number: int) -> str:
        return "fit: it fits" if "criteria" in messages[-1].text else "Scores: A=4 B=2"

    judge = create_branch_solve_merge(OneReplyChatModel(script=script))
    draw = JUDGING.draw(10, seed=1, pool="dev")
    outputs = judge.batch([{"messages": [("user", problem.question)]} for problem in draw.problems])
    assert [output["answer"] for output in outputs] == ["tie"] * 10


def test_a_majority_filter_drops_four_against_four(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "traces.db")
    for number, replies in enumerate([["4"] * 4 + ["5"] * 4, ["4"] * 5 + ["5"] * 3]):
        told = iter(replies)
        model = OneReplyChatModel(script=lambda messages, at, told=told: f"So.\nAnswer: {next(told)}")
        config: Any = {"callbacks": [recorder], "metadata": {"problem": str(number)}, "max_concurrency": 1}
        create_self_consistency(model).invoke({"messages": [("user", f"question {number}")]}, config)
    recorder.close()
    dataset = harvest(tmp_path / "traces.db").filter(agreement(min_share=0.5)).write(tmp_path / "data")
    assert [row["problem"] for row in dataset.rows()] == ["1"]
    assert any(stage["reasons"] == {"tied": 1} for stage in dataset.funnel)


def test_every_stage_tells_what_it_kept_and_why_it_dropped_the_rest(tmp_path: Path) -> None:
    """One problem for each way to go, and one that stays."""
    drawn = {
        "broken": ["4", "!", "4", "4"],
        "mute": [""] * 4,
        "split": ["4", "4", "5", "6"],
        "tied": ["4", "4", "5", "5"],
        "unasked": ["4", "4", "4", "5"],
        "unstable": ["4", "4", "4", "4"],
        "wrong": ["5", "5", "5", "4"],
        "kept": ["4", "4", "4", "5"],
    }
    changed = {"unstable": ["5"] * 4, "wrong": ["5"] * 4, "kept": ["4"] * 4}
    recorder = TraceRecorder(tmp_path / "traces.db")
    for marks, runs in (({}, drawn), ({"perturbation": "case_and_space"}, changed)):
        for problem, answers in runs.items():
            config: Any = {"callbacks": [recorder], "metadata": {"problem": problem} | marks, "max_concurrency": 1}
            graph = create_self_consistency(OneReplyChatModel(script=answering(answers)), samples=4)
            graph.invoke({"messages": [("user", f"What is 2+2, {problem}?")]}, config)
    recorder.close()
    gold = dict.fromkeys(drawn, "4")
    filters = complete(), agreement(min_share=0.5, strict=True), stable_under(case_and_space()), correct(gold)
    found = harvest(tmp_path / "traces.db").filter(*filters).probe(gold).run()
    assert [(stage["stage"], stage["kept"], stage["dropped"], stage["reasons"]) for stage in found.funnel] == [
        ("harvest", 8, 0, {}),
        ("target", 6, 2, {"no-answer": 1, "tied": 1}),
        ("complete", 5, 1, {"incomplete": 1}),
        ("agreement", 4, 1, {"split-vote": 1}),
        ("stable_under", 2, 2, {"no-variant": 1, "unstable": 1}),
        ("correct", 1, 1, {"wrong": 1}),
    ]
    assert [stage.get("unjudged", 0) for stage in found.funnel] == [0, 0, 1, 0, 1, 0]
    assert [one.problem for one in found.examples] == ["kept"]
    assert {one["problem"]: (one["stage"], one["reason"]) for one in found.rejects} == {
        "broken": ("complete", "incomplete"),
        "mute": ("target", "no-answer"),
        "split": ("agreement", "split-vote"),
        "tied": ("target", "tied"),
        "unasked": ("stable_under", "no-variant"),
        "unstable": ("stable_under", "unstable"),
        "wrong": ("correct", "wrong"),
    }


def answering(answers: list[str]) -> Any:
    def script(messages: list[BaseMessage], number: int) -> str:
        if answers[number] == "!":
            raise ValueError("overloaded")
        return f"So.\nAnswer: {answers[number]}" if answers[number] else "So.\nI do not know."

    return script


def test_the_ledger_sets_system_2_beside_system_1() -> None:
    thinking = OneReplyChatModel(script=lambda messages, number: "two and two are four\nAnswer: 4")
    direct = OneReplyChatModel(script=lambda messages, number: "4")
    with budget() as spent:
        create_chain_of_thought(thinking).invoke({"messages": [("user", "2+2?")]})
        create_chain_of_thought(direct, prompt="{question}", name="direct").invoke({"messages": [("user", "2+2?")]})
    assert {row["strategy"]: (row["completions"], row["tokens"]) for row in spent.ledger()} == {
        "chain_of_thought": (1, 7),
        "direct": (1, 1),
    }
