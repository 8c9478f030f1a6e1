from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import (
    CHAT,
    COMPLETION,
    DISPLAY,
    OLD_CHAT,
    PAIR,
    PARTS,
    REQUEST,
    RESPONSE,
    REWARDED,
    SCHEMA,
    WEATHER,
)

FORMAT = "openai_chat"
Write = Callable[..., Came]


def test_a_fine_tuning_row(came: Write) -> None:
    found = came(FORMAT, CHAT)
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Oslo?"}]
    calling = {"role": "assistant", "content": None, "tool_calls": [WEATHER]}
    result = {"role": "tool", "content": "rain", "tool_call_id": "c1"}
    said = {"role": "assistant", "content": "It rains."}
    assert found.trace == {
        "id": "ID",
        "source": FORMAT,
        "name": FORMAT,
        "input": asked,
        "output": [calling, result, said],
        "calls": [
            {
                "id": "ID-2",
                "params": {"parallel_tool_calls": False, "weight": 0.0},
                "tools": [SCHEMA],
                "prompt": asked,
                "replies": [{"message": calling}],
            },
            {
                "id": "ID-4",
                "params": {"parallel_tool_calls": False},
                "tools": [SCHEMA],
                "prompt": [*asked, calling, result],
                "replies": [{"message": said}],
            },
        ],
        "tool_runs": [
            {
                "id": "ID-tool-3",
                "name": "weather",
                "call": 0,
                "tool_call_id": "c1",
                "arguments": {"city": "Oslo"},
                "output": "rain",
            }
        ],
        "metadata": {"where": "f.json"},
    }
    assert not found.unmapped


def test_function_calls_of_old(came: Write) -> None:
    trace = came(FORMAT, OLD_CHAT).trace
    call = {"id": "messages-1-0", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    assert trace["output"] == [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "name": "weather", "content": "rain", "tool_call_id": "messages-1-0"},
        {"role": "assistant", "content": "It rains."},
    ]
    assert trace["tool_runs"][0] | {"id": ""} == {
        "id": "", "name": "weather", "call": 0, "tool_call_id": "messages-1-0", "arguments": {}, "output": "rain",
    }  # fmt: skip
    assert trace["calls"][0]["tools"] == [{"type": "function", "function": {"name": "weather"}}]


def test_parts_with_reasoning_and_tool_calls(came: Write) -> None:
    trace = came(FORMAT, PARTS).trace
    assert trace["input"] == [{"role": "user", "content": "Weather?"}]
    first = trace["calls"][0]["replies"][0]["message"]
    assert first["reasoning_content"] == "I must look."
    assert first["tool_calls"][0]["function"] == WEATHER["function"]
    assert trace["tool_runs"][0]["arguments"] == {"city": "Oslo"}
    assert trace["calls"][0]["tools"] == [SCHEMA]
    assert trace["output"][-1] == {"role": "assistant", "content": "It rains."}


def test_the_results_of_several_tools_in_one_message(came: Write) -> None:
    calls = [{"function": {"name": name, "arguments": "{}"}} for name in ("wind", "rain")]
    results = [{"tool_call_id": "c8", "name": "wind", "content": "none"}, {"name": "rain", "content": {"mm": 3}}]
    for listed, seen in ((results, ["none", '{"mm": 3}']), (results[::-1], None), ([*results, {"name": "x"}], None)):
        told = {"role": "tool", "content": json.dumps(listed)}
        asked = {"role": "assistant", "content": None, "tool_calls": calls}
        trace = came(FORMAT, {"messages": [user(), asked, told, ANSWER]}).trace
        assert [run["output"] for run in trace["tool_runs"]] == (seen or [told["content"]])
        assert [message["tool_call_id"] for message in trace["output"] if message["role"] == "tool"] == [
            call["id"] for call in trace["output"][0]["tool_calls"][: len(seen or [1])]
        ]


def test_a_preference_pair_is_two_traces_of_one_problem(came: Write) -> None:
    found = came(FORMAT, PAIR)
    good, bad = found.traces
    assert good.problem == bad.problem != good.id != bad.id
    assert [trace.output[0]["content"] for trace in found.traces] == ["Hello!", "What."]
    assert [(trace.feedback[0].name, trace.feedback[0].score) for trace in found.traces] == [
        ("preferred", 1.0),
        ("preferred", 0.0),
    ]
    assert all(len(trace.calls) == 1 and trace.input == PAIR["input"]["messages"] for trace in found.traces)


@pytest.mark.parametrize("rows", [[REQUEST, RESPONSE], [RESPONSE, REQUEST]])
def test_a_batch_is_put_together_in_either_order(came: Write, rows: list[Any]) -> None:
    asked = [{"role": "user", "content": "Hi"}]
    first = {"role": "assistant", "content": "Hello"}
    second = {"role": "assistant", "content": "Hey", "reasoning_content": "Hm."}
    trace = came(FORMAT, *rows).trace
    assert trace["calls"] == [
        {
            "id": "ID-0",
            "model": "m-1",
            "params": {"n": 2, "temperature": 0.5},
            "prompt": asked,
            "replies": [
                {"message": first, "finish_reason": "stop", "logprobs": [{"token": "Hello", "logprob": -0.1}]},
                {"message": second, "finish_reason": "length"},
            ],
            "usage": {"input_tokens": 3, "output_tokens": 5, "cached_tokens": 2, "reasoning_tokens": 1},
            "started": 1700000000.0,
            "ended": 1700000000.0,
        }
    ]
    assert (trace["input"], trace["output"]) == (asked, [first])
    at = rows.index(REQUEST) + 1
    assert trace["metadata"] == {"where": f"f.json, row {at} and f.json, row {3 - at}"}


def test_requests_and_responses_in_two_files_of_a_folder(tmp_path: Path, came: Write) -> None:
    came(FORMAT, REQUEST, {**REQUEST, "custom_id": "q2"}, REQUEST, name="in.jsonl")
    came(FORMAT, RESPONSE, {**RESPONSE, "custom_id": "q3"}, name="out.jsonl")
    found = Came(FORMAT, tmp_path)
    assert found.counts == (1, 1, 0, 0)
    assert found.reasons == {"doubled-id": 1, "no-response": 1, "no-request": 1}
    assert {one.where for one in found.unmapped} == {"in.jsonl, row 2", "in.jsonl, row 3", "out.jsonl, row 2"}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ({"status_code": 500, "body": {}}, "status 500"),
        ({"status_code": 400, "body": {"error": {"message": "too long"}}}, "too long"),
    ],
)
def test_a_failed_request_is_a_failed_trace(came: Write, response: Any, error: str) -> None:
    trace = came(FORMAT, REQUEST, {**RESPONSE, "response": response}).trace
    assert (trace["outcome"], trace["error"], trace["calls"][0]["error"]) == ("failed", error, error)
    assert "output" not in trace


def test_a_rewarded_run_keeps_the_gold_out(came: Write) -> None:
    found = came(FORMAT, REWARDED)
    trace = found.trace
    assert trace["feedback"] == [{"name": "reward", "score": 1.0}]
    assert {key: trace["metadata"][key] for key in ("task", "trial")} == {"task": 7, "trial": 1}
    assert "GOLD" not in str(trace)
    assert found.reasons == {"gold": 1}
    poisoned = {**REWARDED, "info": {"task": {"instruction": "You want a seat.", "actions": ["POISON"]}}}
    assert came(FORMAT, poisoned).traces == found.traces


def test_gold_beside_a_chat_moves_nothing(came: Write) -> None:
    plain = came(FORMAT, CHAT).traces
    found = came(FORMAT, {**CHAT, "answer": "rain", "note": "mine"})
    assert [(one.reason, one.detail) for one in found.unmapped] == [("no-place", "note"), ("gold", "answer")]
    assert found.traces[0].id != plain[0].id  # a note is content
    assert came(FORMAT, {**CHAT, "answer": "snow"}).traces == plain


def test_earlier_turns_and_what_nobody_answered(came: Write) -> None:
    said = [
        {"role": role, "content": f"{at}"} for at, role in enumerate(["user", "assistant", "user", "assistant", "user"])
    ]
    found = came(FORMAT, {"messages": said})
    trace = found.trace
    assert (trace["earlier"], trace["input"], trace["output"]) == (2, said[:3], said[3:4])
    assert [call["prompt"] for call in trace["calls"]] == [said[:1], said[:3]]
    assert found.reasons == {"unanswered": 1}


def test_a_prompt_and_its_completion(came: Write) -> None:
    trace = came(FORMAT, COMPLETION).trace
    assert trace["input"] == [{"role": "user", "content": "1+1="}]
    assert trace["output"] == [{"role": "assistant", "content": "2"}]


def user(**more: Any) -> dict[str, Any]:
    return {"role": "user", "content": "Hi"} | more


ANSWER = {"role": "assistant", "content": "Hello"}


@pytest.mark.parametrize(
    ("row", "reason", "said"),
    [
        ([1], "wrong-type", "a number"),
        ({}, "no-messages", "an empty object"),
        ({"text": "a"}, "no-messages", "the keys text"),
        ({"messages": None}, "wrong-type", "null"),
        ({"messages": []}, "no-messages", "empty list"),
        ({"messages": ["Hi"]}, "wrong-type", "message 1: A message is a text"),
        ({"messages": [{"content": "Hi"}]}, "no-role", "message 1"),
        ({"messages": [user(), {"role": "critic", "content": ""}]}, "unknown-role", "message 2: The role is 'critic'"),
        ({"messages": [user(role=["user"])]}, "unknown-role", "known are"),
        ({"messages": [user(content=5), ANSWER]}, "wrong-type", "The content is a number"),
        ({"messages": [user(content=[5]), ANSWER]}, "wrong-type", "A part of the content is a number"),
        ({"messages": [user()]}, "no-reply", "1 messages"),
        ({"messages": [user(), {**ANSWER, "tool_calls": [{}]}]}, "no-tool-name", "names no tool"),
        ({"messages": [user(), {**ANSWER, "tool_calls": 5}]}, "wrong-type", "a list was expected"),
        ({"messages": [user(), ANSWER], "tools": "[{"}, "no-json", ""),
        ({"messages": [user(), ANSWER], "tools": [1]}, "wrong-type", "A tool is a number"),
        ({"input": 5, "preferred_output": []}, "wrong-type", "The input"),
        ({"request": REQUEST["body"], "response": {}}, "no-reply", "without choices"),
        ({"custom_id": "a", "body": {}}, "no-response", "custom_id 'a'"),
    ],
)
def test_a_row_that_cannot_be_read_is_told(came: Write, row: Any, reason: str, said: str) -> None:
    found = came(FORMAT, CHAT, row)
    assert len(found.traces) == 1
    [one] = found.unmapped
    assert (one.where, one.reason) == (f"f.json, row 2{', row 1' if isinstance(row, list) else ''}", reason)
    assert said in one.detail


def test_a_result_that_no_call_asked_for(came: Write) -> None:
    stray = {"role": "tool", "tool_call_id": "c9", "content": "snow"}
    found = came(FORMAT, {"messages": [*CHAT["messages"][:4], stray, CHAT["messages"][3], ANSWER]})
    assert found.counts == (1, 2, 1, 0)
    assert [(one.reason, one.detail[:9]) for one in found.unmapped] == [("no-tool-call", "2 results")]
    assert stray["content"] in [message["content"] for message in found.trace["calls"][-1]["prompt"]]


def test_equal_rows_are_two_traces_and_stay_so(came: Write) -> None:
    ids = [trace.id for trace in came(FORMAT, CHAT, CHAT, COMPLETION).traces]
    assert len(set(ids)) == 3
    assert [trace.id for trace in came(FORMAT, COMPLETION, CHAT, CHAT, name="other.jsonl").traces] == [ids[2], *ids[:2]]


def test_real_rows(data: Path) -> None:
    fireact = Came(FORMAT, data / "fireact/gpt_format")
    assert fireact.counts == (500, 1385, 0, 0)
    assert fireact.reasons == {"unanswered": 500}  # each ends with the words of the environment
    tools = Came(FORMAT, data / "llamafactory_demo/reason_tool_use_demo_50.jsonl")
    assert tools.counts == (50, 112, 48, 0)  # of which 11 came in 5 messages
    assert not tools.unmapped
    assert sum("reasoning_content" in call.replies[0].message for trace in tools.traces for call in trace.calls) == 112
    assert all(
        run.call is not None and isinstance(run.arguments, dict) for trace in tools.traces for run in trace.tool_runs
    )
    rows = [
        json.loads(line)
        for line in (data / "llamafactory_demo/reason_tool_use_demo_50.jsonl").read_text().split("\n")
        if line
    ]
    offered = [json.loads(row["tools"] or "[]") for row in rows]
    assert [trace.calls[0].tools for trace in tools.traces] == offered
    found = Came(FORMAT, data / "llamafactory_demo/glaive_toolcall_en_demo.json")  # of another shape: told row by row
    assert (found.traces, found.reasons) == ([], {"no-messages": 300})


def test_a_printed_chat_tells_how_many_calls_are_lost(came: Write) -> None:
    found = came(FORMAT, DISPLAY)
    asked = [{"role": "user", "content": "Weather in Oslo?"}, {"role": "user", "content": "Please."}]
    calling = {"role": "assistant", "content": None}
    said = {"role": "assistant", "content": "It rains:\n\n- a lot"}
    trace = found.trace
    assert (trace["input"], trace["output"]) == (asked, [calling, {"role": "tool", "content": "rain"}, said])
    assert trace["lost"] == 1
    assert [call.get("replies") for call in trace["calls"]] == [
        None,
        [{"message": said}],
    ]  # what it called is not known
    assert found.reasons == {"no-tool-call": 1}


@pytest.mark.parametrize(
    ("display", "reason"),
    [(5, "wrong-type"), ("", "no-messages"), ("Weather?\nuser: a", "no-messages"), ("user: a", "no-reply")],
)
def test_a_printed_chat_that_is_none(came: Write, display: Any, reason: str) -> None:
    assert came(FORMAT, {"messages_display": display}).reasons == {reason: 1}


def test_real_printed_chats(data: Path) -> None:
    path = data / "tau_bench/few_shot/MockAirlineDomainEnv-few_shot.jsonl"
    found = Came(FORMAT, path)
    assert found.counts == (19, 222, 0, 0)
    assert found.reasons == {"unanswered": 19, "no-tool-call": 18}
    shown = [json.loads(line)["messages_display"] for line in path.read_text().split("\n") if line]
    lost = [len(re.findall("^tool: ", text, re.MULTILINE)) for text in shown]
    assert sum(lost) == 105
    assert [trace.lost for trace in found.traces] == lost
    unknown = sum(not call.replies for trace in found.traces for call in trace.calls)
    assert unknown == sum(len(re.findall("^assistant: .*(?:\n(?!user: |assistant: |tool: ).*)*\ntool: ", text, re.MULTILINE))
                          for text in shown)  # fmt: skip
