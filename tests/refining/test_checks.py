"""Checks and scorers that a graph may be given: each with what it complains of, and what it leaves alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from langdistill.errors import ModelError
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.always import always
from langdistill.refining.askers.tool_errors import tool_errors
from langdistill.refining.askers.validator import validator
from langdistill.refining.checks.arithmetic import arithmetic
from langdistill.refining.checks.schema import schema
from langdistill.refining.doubting import Doubt
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.refining.trusters.process_reward import process_reward
from tests.refining.test_ask_refine_trust import asked, model


@pytest.mark.parametrize(
    ("reply", "complaints"),
    [
        ("16 - 3 = 12", ["What is 16 - 3? It is not 12."]),
        ("16 - 3 = <<16-3=13>>13 eggs", []),
        ("16 - 3 = <<16-3=12>>12 eggs", ["What is 16-3? It is not 12."]),
        ("$1,000 + $2,500 = $3,500", []),
        ("$1,000 + $2,500 = $3,400", ["What is $1,000 + $2,500? It is not $3,400."]),
        ("20% * 50 = 10 and 3 x 4 = 12 and 6 ÷ 2 = 3 and 5 − 7 = -2", []),
        ("2 * (3 + 4) = 14, (2 + 3) * 4 = 20, 2 * (3 + 4) = 15", ["What is 2 * (3 + 4)? It is not 15."]),
        ("10 / 3 = 3.33, 200 / 3 = 67, 10 / 3 = 3", ["What is 10 / 3? It is not 3."]),
        ("1 + 1 = 3 and again 1 + 1 = 3", ["What is 1 + 1? It is not 3."]),
        ("66 fish * 1/3 = 22, 3 1/2 + 2 = 5 1/2, a = 4 + 5, 1 + 1 = 1 + 1", []),
        ("1 / 0 = 7, 2 ** 900 = 3, 1..2 + 3 = 4, on 2026-11-22 at 10:30, x + 3 = 5", []),
        ("9" * 300 + " + 1 = 2", []),
        ("", []),
    ],
)
def test_sums_are_worked_out_again(reply: str, complaints: list[str]) -> None:
    assert arithmetic("?", reply) == complaints


def test_sums_in_real_solutions(data: Path) -> None:
    """61 of 5,276 solutions have a wrong sum, of which 57 come to a wrong answer; of the 1,319 reference solutions 3."""
    found: Counter[Any] = Counter()
    for line in (data / "gsm8k" / "example_model_solutions.jsonl").read_text().splitlines():
        row = json.loads(line)
        found["reference", bool(arithmetic("", row["ground_truth"]))] += 1
        for size in ("6b", "175b"):
            for how in ("finetuning", "verification"):
                said = row[f"{size}_{how}"]
                found[said["is_correct"], bool(arithmetic("", said["solution"]))] += 1
    assert found == {
        (False, True): 57, (True, True): 4, (False, False): 3218, (True, False): 1997,
        ("reference", True): 3, ("reference", False): 1316,
    }  # fmt: skip


def test_a_wrong_sum_is_refined_and_told() -> None:
    said = model("16 - 3 = 12\nAnswer: 12", "16 - 3 = 13\nAnswer: 13")
    graph = create_ask_refine_trust(said, asker=validator(arithmetic), truster=most_recent())
    assert asked(graph)["answer"] == "13"
    assert "- What is 16 - 3? It is not 12." in said.prompts[1][-1].text
    assert (
        asked(create_ask_refine_trust(model("16 - 3 = 13\nAnswer: 13"), asker=validator(arithmetic)))["answer"] == "13"
    )


class Place(BaseModel):
    city: str
    people: int


def test_json_of_a_schema() -> None:
    check = schema(Place)
    assert check("?", 'Here it is:\n```json\n{"city": "Rome", "people": 3}\n```') == []
    assert check("?", "Rome, I think.") == ["Which JSON of the schema Place answers this? The reply holds none."]
    assert check("?", '{"city": "Rome"}') == ["What is people? Field required."]
    assert len(check("?", '{"city": 3, "people": "many"}')) == 2


def messages(*statuses: str) -> dict[str, Any]:
    results = [
        ToolMessage("no such city", tool_call_id=str(at), name="weather", status=status)
        for at, status in enumerate(statuses)
    ]  # type: ignore[arg-type]
    return {"messages": [HumanMessage("Weather?"), *results]}


def told(body: Any) -> Any:
    with pytest.raises(StopIteration) as ended:
        next(body)
    return ended.value.value


def test_errors_of_tools() -> None:
    asker = tool_errors()
    assert told(asker(messages("success"), AIMessage("Sun."))) == Doubt([], 0.0)
    wrong = told(asker(messages("success", "error"), AIMessage("Sun.")))
    assert wrong == Doubt(["What if weather fails? It said: no such city"], 1.0)
    later = {"messages": [*messages("error")["messages"], AIMessage("Sorry."), HumanMessage("And now?")]}
    assert told(asker(later, AIMessage("Sun."))) == Doubt([], 0.0), "that was another question"


@pytest.mark.parametrize(("combine", "answer"), [(min, "4"), (math.prod, "5"), (max, "5")])
def test_a_process_reward_model_scores_steps(combine: Any, answer: str) -> None:
    scores = {"a": 0.5, "b": 0.5, "c": 0.4, "Answer: 4": 1.0, "Answer: 5": 1.0, "d": 2.0}
    seen: list[Any] = []

    def scored(one: dict[str, Any]) -> list[float]:
        seen.append(one)
        return [scores[step] for step in one["steps"]]

    said = model("a\n\nb\nAnswer: 4", "c\nd\nAnswer: 5")
    truster = process_reward(scored, combine=combine)
    assert asked(create_ask_refine_trust(said, asker=always(), truster=truster))["answer"] == answer
    assert [one["steps"] for one in seen] == [["a", "b", "Answer: 4"], ["c", "d", "Answer: 5"]]
    assert truster.name == "process_reward"


def test_a_process_reward_model_that_loses_a_step() -> None:
    graph = create_ask_refine_trust(
        model("a\nAnswer: 4", "b\nAnswer: 5"), asker=always(), truster=process_reward(lambda one: [1.0])
    )
    with pytest.raises(ModelError, match="1 numbers for 2 steps"):
        asked(graph)
