from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import FINISHED, RECORD, SEARCH

FORMAT = "toolbench"
Write = Callable[..., Came]


def calling(at: int, name: str, arguments: str, thought: str | None = None) -> dict[str, Any]:
    call = {"id": f"call-{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": thought, "tool_calls": [call]}


def seen(at: int, name: str, text: str | None) -> dict[str, Any]:
    return {"role": "tool", "name": name, "content": text, "tool_call_id": f"call-{at}"}


def test_a_search_tree_is_one_trace(came: Write) -> None:
    found = came(FORMAT, SEARCH)
    trace = found.trace
    given = [{"role": "system", "content": "AutoGPT"}, {"role": "user", "content": "Weather in Oslo?"}]
    first = calling(0, "weather", '{"city": "Oslo"}')
    wrong = seen(0, "weather", '{"error": "no such city", "response": ""}')
    again = calling(3, "weather", "{}", "Again.")
    right = seen(3, "weather", '{"error": "", "response": "rain"}')
    end = calling(4, "Finish", FINISHED)
    replies = [first, {"role": "assistant", "content": "Hopeless."}, calling(2, "Finish", "{}"), again, end]
    paths = ["0", "0/0", "0/0/0", "0/1", "0/1/0"]
    prompts = [
        given,
        [*given, first, wrong],
        [*given, first, wrong, replies[1]],
        [given[0], {"role": "user", "content": "You tried before."}],  # as it was sent, says the training row
        [*given, first, wrong, again, right],
    ]
    assert trace["calls"] == [
        {
            "id": f"ID-{at}",
            "step": at,
            "path": path,
            "branch": int(path[-1]),
            "params": {"tree_beam_size": 2},
            "tools": [{"name": "weather"}],
            "prompt": prompt,
            "replies": [{"message": reply}],
        }
        for at, (path, prompt, reply) in enumerate(zip(paths, prompts, replies, strict=True))
    ]
    assert [(step["name"], step.get("parent"), step.get("outcome"), step.get("error")) for step in trace["steps"]] == [
        ("weather", None, None, None),
        ("thought", 0, None, None),
        ("Finish", 1, "failed", "gave up"),
        ("weather", 0, None, None),
        ("Finish", 3, None, None),
    ]
    assert [(run["name"], run["call"], run["arguments"], run.get("error")) for run in trace["tool_runs"]] == [
        ("weather", 0, {"city": "Oslo"}, "no such city"),
        ("Finish", 2, {}, "gave up"),
        ("weather", 3, {}, None),
        ("Finish", 4, json.loads(FINISHED), None),
    ]
    assert (trace["input"], trace["output"]) == (given, [first, wrong, again, right, end, seen(4, "Finish", "")])
    assert trace["answer"] == "rain"
    assert "outcome" not in trace
    assert not found.unmapped


def test_a_search_that_gave_up_is_failed_and_whole(came: Write) -> None:
    lost = {**SEARCH, "win": False, "answer_generation": {"query": "Weather?", "finish_type": "give_up"}}
    trace = came(FORMAT, lost).trace
    assert (trace["outcome"], trace["error"]) == ("failed", "no answer: give_up")
    assert (len(trace["calls"]), len(trace["tool_runs"])) == (5, 4)
    assert "output" not in trace
    assert "answer" not in trace


def test_a_record_of_the_evaluation_with_a_text_cut_short(came: Write) -> None:
    found = came(FORMAT, RECORD)
    trace = found.trace
    assert trace["input"] == [{"role": "user", "content": "Weather in Oslo?"}]  # whole, where the message is cut
    first, second = calling(0, "weather", "{}"), calling(1, "Finish", FINISHED)
    saw = seen(0, "weather", '{"error": "down", "response": ""}')
    assert trace["output"] == [first, saw, second, seen(1, "Finish", None)]
    assert [call["prompt"] for call in trace["calls"]] == [trace["input"], [*trace["input"], first, saw]]
    assert [run.get("error") for run in trace["tool_runs"]] == ["down", None]
    assert (trace["answer"], trace["strategy"]) == ("rain", "CoT")
    assert [(one.where, one.reason) for one in found.unmapped] == [("f.json, query 41", "cut-text")]


def changed(path: list[Any], value: Any) -> Any:
    other = copy.deepcopy(SEARCH)
    inside = other
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return other


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (5, "wrong-type"),
        ({"query": "Weather?", "api_list": []}, "no-answer"),
        (changed(["tree"], None), "wrong-type"),
        (changed(["tree", "tree", "children"], []), "no-reply"),
        (changed(["tree", "tree", "children"], 5), "wrong-type"),
        (changed(["tree", "tree", "children", 0, "node_type"], "Guess"), "unknown-node"),
        (changed(["tree", "tree", "children", 0, "description"], None), "unknown-node"),
        (changed(["answer_generation"], {}), "no-query"),
        (changed(["answer_generation", "function"], 5), "wrong-type"),
        (changed(["answer_generation", "train_messages", 0, 0, "role"], "x"), "unknown-role"),
        ({"query": "a", "answer": {"answer_details": [{"role": "tool", "message": "broken"}]}}, "no-tool"),
        ({"query": "a", "answer": {"answer_details": [{"role": "tool", "message": "{'a': 2}"}]}}, "no-tool-name"),
        ({"query": "a", "answer": {"answer_details": [{"role": "x", "message": ""}]}}, "unknown-role"),
    ],
)
def test_a_record_that_cannot_be_read_is_told(came: Write, value: Any, reason: str) -> None:
    found = came(FORMAT, value)
    assert not found.traces
    assert [one.reason for one in found.unmapped] == [reason]


def count(node: dict[str, Any], kind: str) -> int:
    return (node["node_type"] == kind) + sum(count(child, kind) for child in node["children"])


def test_real_trees(data: Path) -> None:
    found = Came(FORMAT, data / "toolbench/answer")
    assert found.counts == (5, 48, 46, 0)
    assert not found.unmapped
    for trace in found.traces:
        raw = json.loads((data / "toolbench/answer" / trace.metadata["where"]).read_text())
        tree = raw["tree"]["tree"]
        assert len(trace.calls) == len(trace.steps) == raw["answer_generation"]["query_count"]  # nothing is lost
        assert len(trace.tool_runs) == count(tree, "Action") == count(tree, "Action Input") - 1  # the root is one
        assert sum(call.replies[0].message["content"] is not None for call in trace.calls) == count(tree, "Thought")
        assert (trace.outcome == "ended") == raw["win"]
        if raw["win"]:
            sent = raw["answer_generation"]["train_messages"]
            way = [at for at, call in enumerate(trace.calls) if call.replies[0].message in trace.output]
            assert [len(trace.calls[at].prompt) + 1 for at in way] == [len(chat) for chat in sent]
    assert [trace.outcome for trace in found.traces].count("failed") == 1


def test_real_queries_that_nobody_answered(data: Path) -> None:
    found = Came(FORMAT, data / "toolbench/instruction")
    assert (found.traces, found.reasons) == ([], {"no-answer": 12})
