from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import FIREACT, TRIPLES

FORMAT = "react"
Write = Callable[..., Came]


def called(at: int, name: str, argument: str) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps({"input": argument})}
    return {"id": f"step-{at}", "type": "function", "function": function}


def test_a_run(came: Write) -> None:
    found = came(FORMAT, TRIPLES)
    asked = {"role": "user", "content": "Where is Oslo?"}
    looked = {"role": "assistant", "content": "Look it up.", "tool_calls": [called(1, "Search", "Oslo")]}
    saw = {"role": "tool", "content": "A city\nin Norway.", "tool_call_id": "step-1"}
    said = {"role": "assistant", "content": "So it is.", "tool_calls": [called(2, "Finish", "Norway")]}
    end = {"role": "tool", "content": "Episode finished, reward = 1\n", "tool_call_id": "step-2"}
    runs = [("Search", 0, "Oslo", saw), ("Finish", 1, "Norway", end)]
    assert found.trace == {
        "id": "ID",
        "source": FORMAT,
        "name": FORMAT,
        "input": [asked],
        "output": [looked, saw, said, end],
        "answer": "Norway",
        "calls": [
            {"id": "ID-1", "prompt": [asked], "replies": [{"message": looked}]},
            {"id": "ID-3", "prompt": [asked, looked, saw], "replies": [{"message": said}]},
        ],
        "tool_runs": [
            {
                "id": f"ID-tool-{2 * at + 2}",
                "name": name,
                "call": at,
                "tool_call_id": f"step-{at + 1}",
                "arguments": {"input": argument},
                "output": seen["content"],
            }
            for name, at, argument, seen in runs
        ],
        "feedback": [{"name": "reward", "score": 1.0}],
        "metadata": {"where": "f.json"},
    }
    assert not found.unmapped


def test_it_is_the_same_problem_as_the_one_of_fireact(came: Write) -> None:
    [ours] = came(FORMAT, TRIPLES).traces
    assert ours.problem == came("fireact", {"12": FIREACT["12"]}).traces[0].problem


def test_an_action_that_is_none_stays_text(came: Write) -> None:
    step = {"thought": "Hm.", "action": "think harder", "observation": "Invalid."}
    found = came(FORMAT, {"Where?": [step, {"thought": "So.", "action": "Finish[]"}]})
    assert found.trace["output"] == [
        {"role": "assistant", "content": "Hm.\nthink harder"},
        {"role": "user", "content": "Invalid."},
        {"role": "assistant", "content": "So.", "tool_calls": [called(2, "Finish", "")]},
    ]
    assert "answer" not in found.trace
    assert "feedback" not in found.trace
    assert [(one.reason, one.detail[:9]) for one in found.unmapped] == [("no-tool-call", "1 actions")]


def test_several_questions_of_an_object_and_keys_without_a_place(came: Write) -> None:
    step = {"thought": "Hm.", "action": "Finish[a]", "seconds": 5}
    found = came(FORMAT, {"Where?": [step], "When?": [step]})
    assert [trace.metadata["where"] for trace in found.traces] == ["f.json, question 1", "f.json, question 2"]
    assert [(one.reason, one.detail) for one in found.unmapped] == [("no-place", "seconds of a step")] * 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (5, "no-run"),
        ({}, "no-run"),
        ({"Where?": 5}, "wrong-type"),
        ({"Where?": []}, "no-reply"),
        ({"Question: ": [{"thought": "Hm."}]}, "no-query"),
        ({"Where?": [{"thought": 5}]}, "wrong-type"),
        ({"Where?": ["Hm."]}, "wrong-type"),
        ({"Where?": [{"observation": "a"}]}, "no-reply"),
    ],
)
def test_a_run_that_cannot_be_read_is_told(came: Write, row: Any, reason: str) -> None:
    found = came(FORMAT, TRIPLES, row)
    assert len(found.traces) == 1
    assert [(one.where, one.reason) for one in found.unmapped] == [("f.json, row 2", reason)]


def test_real_runs(data: Path) -> None:
    path = data / "s1_react/hotpotqa_100.jsonl"
    found = Came(FORMAT, path)
    assert found.counts == (100, 401, 401, 71)
    assert not found.unmapped
    assert Counter(one.score for trace in found.traces for one in trace.feedback) == {0.0: 43, 1.0: 28}
    assert sum(trace.answer is not None for trace in found.traces) == 71
    for trace, line in zip(found.traces, path.read_text().splitlines(), strict=True):
        [(question, steps)] = json.loads(line).items()
        assert question.removeprefix("Question:").strip() == trace.input[0]["content"]
        assert [call.replies[0].message["content"] for call in trace.calls] == [step["thought"] for step in steps]
        assert [f"{run.name}[{run.arguments['input']}]" for run in trace.tool_runs] == [
            step["action"] for step in steps
        ]
        assert [run.output for run in trace.tool_runs] == [step["observation"] for step in steps]
        assert trace.answer == next(iter(re.findall(r"Finish\[(.*)\]", steps[-1]["action"])), None)
