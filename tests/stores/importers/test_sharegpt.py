from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import LABELLED, PREFERENCE, SCHEMA, SHAREGPT, TAGGED

FORMAT = "sharegpt"
Write = Callable[..., Came]


def human(value: Any = "Hi") -> dict[str, Any]:
    return {"from": "human", "value": value}


GPT = {"from": "gpt", "value": "Hello"}


def test_a_conversation_with_a_tool(came: Write) -> None:
    found = came(FORMAT, SHAREGPT)
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Oslo?"}]
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    call = {"id": "messages-2-0", "type": "function", "function": function}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "content": "rain", "tool_call_id": "messages-2-0"}
    said = {"role": "assistant", "content": "It rains."}
    assert found.trace == {
        "id": "ID",
        "source": FORMAT,
        "name": FORMAT,
        "input": asked,
        "output": [calling, result, said],
        "calls": [
            {"id": "ID-2", "tools": [SCHEMA], "prompt": asked, "replies": [{"message": calling}]},
            {"id": "ID-4", "tools": [SCHEMA], "prompt": [*asked, calling, result], "replies": [{"message": said}]},
        ],
        "tool_runs": [
            {
                "id": "ID-tool-3",
                "name": "weather",
                "call": 0,
                "tool_call_id": "messages-2-0",
                "arguments": {"city": "Oslo"},
                "output": "rain",
            }
        ],
        "metadata": {"conversation": "talk-1", "where": "f.json"},
    }
    assert not found.unmapped


def test_calls_between_tags(came: Write) -> None:
    found = came(FORMAT, TAGGED)
    trace = found.trace
    assert trace["output"][0]["content"] == "I look."
    assert [call["function"]["name"] for call in trace["output"][0]["tool_calls"]] == ["weather", "weather"]
    assert [(run["arguments"], run["output"]) for run in trace["tool_runs"]] == [
        ({"city": "Oslo"}, "rain"),
        ({"city": "Rome"}, "sun"),
    ]
    assert not found.unmapped


@pytest.mark.parametrize("inside", ["{", "5", '{"arguments": {}}', ""])
def test_tags_around_no_call_stay_text(came: Write, inside: str) -> None:
    text = f"<tool_call>{inside}</tool_call>"
    found = came(FORMAT, {"conversations": [human(), {"from": "gpt", "value": text}]})
    assert found.trace["output"] == [{"role": "assistant", "content": text}]


def test_a_call_after_a_thought_and_several_at_once(came: Write) -> None:
    calls = [{"name": "a", "arguments": {}}, {"name": "b", "arguments": {"x": 1}}]
    entry = {"from": "function_call", "value": f"<think>\nTwo.\n</think>\n{json.dumps(calls)}"}
    trace = came(FORMAT, {"conversations": [human(), entry]}).trace
    assert trace["output"][0]["content"] == "<think>\nTwo.\n</think>"
    assert [call["function"] for call in trace["output"][0]["tool_calls"]] == [
        {"name": "a", "arguments": "{}"},
        {"name": "b", "arguments": '{"x": 1}'},
    ]


def test_a_better_and_a_worse_ending_are_two_traces_of_one_problem(came: Write) -> None:
    found = came(FORMAT, PREFERENCE)
    good, bad = found.traces
    assert good.problem == bad.problem
    assert {good.id, bad.id} == {f"{good.problem}-chosen", f"{good.problem}-rejected"}
    assert [
        (trace.output[0]["content"], trace.feedback[0].name, trace.feedback[0].score) for trace in found.traces
    ] == [
        ("Hello!", "preferred", 1.0),
        ("What.", "preferred", 0.0),
    ]
    assert not found.unmapped


def test_an_ending_that_is_none_is_told_and_the_other_stays(came: Write) -> None:
    found = came(FORMAT, {**PREFERENCE, "rejected": {"from": "human", "value": "What."}})
    assert [trace.output[0]["content"] for trace in found.traces] == ["Hello!"]
    assert [(one.reason, one.detail[:8]) for one in found.unmapped] == [("no-reply", "rejected")]


@pytest.mark.parametrize(
    ("more", "score"),
    [
        ({"label": True}, 1.0),
        ({"label": False}, 0.0),
        ({"kto_tag": True}, 1.0),
        ({"kto_tag": False, "label": True}, 0.0),
    ],
)
def test_a_label_is_feedback(came: Write, more: Any, score: float) -> None:
    row = {"messages": LABELLED["messages"], **more}
    [trace] = came(FORMAT, row).traces
    assert [(one.name, one.score) for one in trace.feedback] == [("desirable", score)]


def test_a_label_that_is_no_boolean_may_be_gold_and_a_tag_that_is_none_is_told(came: Write) -> None:
    plain = came(FORMAT, {"messages": LABELLED["messages"]}).traces
    found = came(FORMAT, {"messages": LABELLED["messages"], "label": "GOLD", "answer": "GOLD"})
    assert found.traces == plain
    assert [(one.reason, one.detail) for one in found.unmapped] == [("gold", "answer, label")]
    assert came(FORMAT, {"messages": LABELLED["messages"], "kto_tag": "yes"}).reasons == {"no-score": 1}


def test_what_has_no_place_is_told(came: Write) -> None:
    own = [{"from": "system", "value": "Mine."}, {**human(), "loss": True}, GPT]
    found = came(FORMAT, {"conversations": own, "system": "Other.", "images": ["a.png"]})
    assert found.trace["input"][0] == {"role": "system", "content": "Mine."}
    assert [(one.reason, one.detail) for one in found.unmapped] == [
        ("no-place", "loss of a message"),
        ("no-place", "images, system"),
    ]


@pytest.mark.parametrize(
    ("row", "reason", "said"),
    [
        ([1], "wrong-type", "a number"),
        ({}, "no-messages", "an empty object"),
        ({"conversations": 5}, "wrong-type", "a list was expected"),
        ({"conversations": []}, "no-messages", "an empty list"),
        ({"conversations": [human()]}, "no-reply", "1 messages"),
        ({"conversations": [GPT, 5]}, "wrong-type", "entry 2: An entry is a number"),
        ({"conversations": [{"value": "Hi"}]}, "no-role", "entry 1"),
        ({"conversations": [{"from": "critic", "value": "Hi"}]}, "unknown-role", "The role is 'critic'"),
        ({"conversations": [human(5), GPT]}, "wrong-type", "The content is a number"),
        ({"conversations": [human(), {"from": "function_call", "value": "no JSON"}]}, "no-json", "entry 2"),
        ({"conversations": [human(), {"from": "function_call", "value": "{}"}]}, "no-tool-name", "names no tool"),
        ({"conversations": [human(), GPT], "tools": "{"}, "no-json", ""),
    ],
)
def test_a_row_that_cannot_be_read_is_told(came: Write, row: Any, reason: str, said: str) -> None:
    found = came(FORMAT, SHAREGPT, row)
    assert len(found.traces) == 1
    [one] = found.unmapped
    assert (one.where, one.reason) == (f"f.json, row 2{', row 1' if isinstance(row, list) else ''}", reason)
    assert said in one.detail


def test_real_conversations(data: Path) -> None:
    path = data / "llamafactory_demo/glaive_toolcall_en_demo.json"
    found = Came(FORMAT, path)
    assert found.counts == (300, 957, 211, 0)
    assert not found.unmapped
    rows = json.loads(path.read_text())
    for trace, row in zip(found.traces, rows, strict=True):
        entries = row["conversations"]
        messages = [*trace.input, *trace.output]
        assert len(messages) == len(entries)
        for message, entry in zip(messages, entries, strict=True):
            assert message["content"] == (None if entry["from"] == "function_call" else entry["value"])
        called = [json.loads(entry["value"]) for entry in entries if entry["from"] == "function_call"]
        assert [{"name": run.name, "arguments": run.arguments} for run in trace.tool_runs] == called
        assert [run.output for run in trace.tool_runs] == [
            one["value"] for one in entries if one["from"] == "observation"
        ]
        assert [tool["function"] for tool in trace.calls[0].tools] == json.loads(row["tools"])
    chats = Came(FORMAT, data / "llamafactory_demo/reason_tool_use_demo_50.jsonl")
    assert chats.counts == (50, 112, 48, 0)  # of which 11 came in 5 messages
