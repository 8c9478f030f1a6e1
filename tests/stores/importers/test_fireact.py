from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import ALPACA, FIREACT, STEPS

FORMAT = "fireact"
Write = Callable[..., Came]


def expected(where: str, **more: Any) -> dict[str, Any]:
    asked = {"role": "user", "content": "Where is Oslo?"}
    looked = {"role": "assistant", "content": "Thought: Look it up.\nAction: search[Oslo]"}
    saw = {"role": "user", "content": "Observation: A city\nin Norway."}
    said = {"role": "assistant", "content": "Thought: So it is.\nAction: finish[Norway]"}
    end = {"role": "user", "content": "Observation: Episode finished, reward = True"}
    return {
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
                "id": "ID-tool-0-0",
                "name": "search",
                "call": 0,
                "arguments": {"input": "Oslo"},
                "output": "A city\nin Norway.",
            },
            {
                "id": "ID-tool-1-0",
                "name": "finish",
                "call": 1,
                "arguments": {"input": "Norway"},
                "output": "Episode finished, reward = True",
            },
        ],
        "metadata": {"where": where},
    } | more


def test_a_run_with_its_scores(came: Write) -> None:
    scores = [{"name": "reward", "score": 1.0}, {"name": "em", "score": 1.0}, {"name": "f1", "score": 0.5}]
    found = came(FORMAT, {"12": FIREACT["12"]})
    assert found.trace == expected("f.json, run 12", feedback=scores)
    assert [(one.where, one.reason, one.detail) for one in found.unmapped] == [("f.json, run 12", "gold", "gt")]


def test_an_alpaca_row(came: Write) -> None:
    found = came(FORMAT, ALPACA)
    assert found.trace == expected("f.json, row 1")
    assert not found.unmapped


def test_a_run_that_is_a_chat(came: Write) -> None:
    trace = came(FORMAT, FIREACT).traces[1]
    assert (trace.answer, trace.tool_runs[0].arguments, len(trace.calls)) == ("Sweden", {"input": "Sweden"}, 1)
    assert [feedback.score for feedback in trace.feedback] == [0.0, 0.0, 0.0]


def test_gold_moves_nothing(came: Write) -> None:
    before = came(FORMAT, FIREACT).traces
    poisoned = {key: {**run, "gt": "POISON"} for key, run in FIREACT.items()}
    assert came(FORMAT, poisoned).traces == before
    assert "GOLD" not in str(before)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (5, "wrong-type"),
        ({"a": 1}, "no-run"),
        ({"traj": 5}, "wrong-type"),
        ({"traj": "no instruction"}, "no-instruction"),
        ({"traj": "### Instruction:\nWhere?\n\n### Response:\n"}, "no-reply"),
        ({"traj": [{"role": "user", "content": "a"}]}, "no-reply"),
        ({"instruction": 5, "output": STEPS}, "no-reply"),
        ({"instruction": "Where?", "output": ""}, "no-reply"),
    ],
)
def test_a_run_that_cannot_be_read_is_told(came: Write, run: Any, reason: str) -> None:
    found = came(FORMAT, {"12": FIREACT["12"], "x": run})
    assert len(found.traces) == 1
    assert ("f.json, run x", reason) in [(one.where, one.reason) for one in found.unmapped]


def test_real_runs(data: Path) -> None:
    runs = Came(FORMAT, data / "fireact/trajs")
    assert runs.counts == (500, 1778, 1777, 1500)
    assert runs.reasons == {"gold": 500}
    assert Counter(run.name for trace in runs.traces for run in trace.tool_runs) == {
        "search": 1251,
        "finish": 500,
        "reflect": 26,
    }
    right = [trace for trace in runs.traces if trace.feedback[1].score == 1]
    assert len(right) == 131  # as its exact match says
    assert right[0].answer == "Seth MacFarlane"
    rows = Came(FORMAT, data / "fireact/alpaca_format")
    assert rows.counts == (500, 1385, 1385, 0)
    chats = Came(FORMAT, data / "fireact/gpt_format")
    assert chats.counts == (500, 1385, 1385, 0)
    assert not rows.unmapped + chats.unmapped
    assert [trace.answer for trace in rows.traces] == [trace.answer for trace in chats.traces]
    pairs = zip(rows.traces, chats.traces, strict=True)
    assert sum(row.calls[-1].prompt == chat.calls[-1].prompt for row, chat in pairs) == 497  # 3 differ in their spaces
