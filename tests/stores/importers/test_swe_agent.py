from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import FUNCTION_CALLS, MINI, TEXT_ACTIONS, WEATHER

FORMAT = "swe_agent"
Write = Callable[..., Came]


def bare(message: dict[str, Any]) -> dict[str, Any]:
    return {key: message[key] for key in ("role", "content")}


def test_actions_in_the_text(came: Write) -> None:
    found = came(FORMAT, TEXT_ACTIONS)
    history = [bare(message) for message in TEXT_ACTIONS["history"]]
    asked = {"model": "gpt", "params": {"temperature": 0.2}}
    missing = {"role": "assistant", "content": "Remove."}  # in the trajectory only
    assert found.trace == {
        "id": "ID",
        "source": FORMAT,
        "name": FORMAT,
        "input": history[:3],
        "output": history[3:],
        "answer": "diff --git",
        "calls": [
            {"id": "ID-0", "prompt": history[:3], "replies": [{"message": history[3]}], **asked},
            {"id": "ID-1", "prompt": history[:5], "replies": [{"message": missing}], **asked},
            {"id": "ID-2", "prompt": history[:5], "replies": [{"message": history[5]}], **asked},
        ],
        "tool_runs": [
            {"id": f"ID-tool-{at}", "name": "bash", "call": at, "arguments": {"command": command}, "output": output}
            for at, (command, output) in enumerate([("ls\n", "a.py"), ("rm a", "gone"), ("submit\n", "diff")])
        ],
        "metadata": {
            "problem": "repo-1",
            "environment": "main",
            "exit_status": "submitted",
            "model_stats": {"api_calls": 3},
            "where": "f.json",
        },
    }
    assert [(one.reason, one.detail) for one in found.unmapped] == [("no-place", "replay_config, state of a step")]
    assert "sk-no" not in str(found.trace)


def test_function_calls_of_a_run_that_cost_too_much(came: Write) -> None:
    trace = came(FORMAT, FUNCTION_CALLS).trace
    calling = {"role": "assistant", "content": "Look.", "tool_calls": [WEATHER]}
    assert trace["output"] == [calling, {"role": "tool", "content": "rain", "tool_call_id": "c1"}]
    assert trace["tool_runs"] == [
        {
            "id": "ID-tool-0-0",
            "name": "weather",
            "call": 0,
            "tool_call_id": "c1",
            "arguments": {"city": "Oslo"},
            "output": "rain",
        }
    ]
    assert (trace["outcome"], trace["error"]) == ("failed", "exit_cost")


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_messages_of_mini(came: Write, wrapped: bool) -> None:
    info = {"exit_status": "Submitted", "submission": "d", "config": {"model": {"model_name": "claude"}}}
    trace = came(FORMAT, {"messages": MINI, "info": info, "trajectory_format": "1"} if wrapped else MINI).trace
    assert (trace["input"], trace["output"]) == (MINI[:2], MINI[2:])
    assert trace["tool_runs"][0]["arguments"] == {"command": "echo 'hello'"}
    assert trace["tool_runs"][0]["output"] == "<returncode>0</returncode>"
    assert (trace.get("answer"), trace["calls"][0].get("model")) == (("d", "claude") if wrapped else (None, None))


def test_replies_of_a_demonstration_are_no_calls(came: Write) -> None:
    shown = [{"role": "assistant", "content": "```\nls\n```", "action": "ls", "is_demo": True}]
    trace = came(FORMAT, {"history": [*MINI[:2], *shown, *MINI[2:]]}).trace
    assert (trace["input"], len(trace["calls"]), len(trace["tool_runs"])) == ([*MINI[:2], bare(shown[0])], 1, 1)


def test_the_prompt_is_what_was_really_sent(came: Write) -> None:
    sent = [{"role": "user", "content": "(3 lines omitted)"}]
    step = {**FUNCTION_CALLS["trajectory"][0], "query": sent}
    trace = came(FORMAT, {**FUNCTION_CALLS, "trajectory": [step]}).trace
    assert trace["calls"][0]["prompt"] == sent


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "no-history"),
        ({"trajectory": []}, "no-history"),
        ({"history": {}}, "wrong-type"),
        ({"history": [5]}, "wrong-type"),
        ({"history": []}, "no-messages"),
        ({"history": MINI[:2]}, "no-reply"),
        ({"history": MINI, "trajectory": [5]}, "wrong-type"),
        ({"history": [{"role": "judge", "content": ""}]}, "unknown-role"),
        (5, "wrong-type"),
        ([], "no-messages"),
    ],
)
def test_a_file_that_is_no_trajectory_is_told(came: Write, value: Any, reason: str) -> None:
    found = came(FORMAT, value)
    assert not found.traces
    assert [(one.where, one.reason) for one in found.unmapped] == [("f.json", reason)]


def test_real_trajectories(data: Path) -> None:
    found = Came(FORMAT, data / "swe_agent")
    files = {str(trace.metadata["where"]): trace for trace in found.traces}
    assert set(files) == {str(path.relative_to(data / "swe_agent")) for path in (data / "swe_agent").rglob("*.traj*")}
    assert set(found.reasons) == {"no-place"}
    shapes = {
        "mini/local.traj.json": (2, 2, None),
        "trajectories/demonstrations/function_calling_simple.traj": (5, 5, None),
        "__default_sys-env_window100__": (11, 11, "submitted"),
        "__function_calling__install-1": (11, 11, "submitted"),
        "__function_calling_replace__install-1": (11, 11, "submitted"),
        "__function_calling_replace_from_source": (13, 13, "submitted"),
    }
    for part, counts in shapes.items():
        [trace] = [trace for name, trace in files.items() if part in name]
        assert (len(trace.calls), len(trace.tool_runs), trace.metadata.get("exit_status")) == counts
        assert [run.call for run in trace.tool_runs] == list(range(len(trace.calls)))
        if counts[2]:
            assert trace.problem == "marshmallow-code__marshmallow-1867"
            assert trace.answer
            assert trace.answer.lstrip().startswith("diff --git")


def test_a_real_run_shows_the_model_what_its_history_cut_short(data: Path) -> None:
    [path] = (data / "swe_agent").rglob("*_from_source/*.traj")
    [trace] = Came(FORMAT, path).traces
    raw = json.loads(path.read_text())
    assert trace.calls[-1].prompt[3]["content"] == "Old environment output: (7 lines omitted)"
    assert trace.output[1]["content"] == raw["history"][3]["content"]
    assert trace.tool_runs[0].output == raw["trajectory"][0]["observation"]
    assert trace.tool_runs[0].arguments == {"command": "ls -F"}
