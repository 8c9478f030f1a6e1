from __future__ import annotations

import copy
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import ASKED, LOG, SAMPLE

FORMAT = "inspect_ai"
Write = Callable[..., Came]
START = 1747081650.0


def log(**sample: Any) -> dict[str, Any]:
    return {**LOG, "samples": [{**SAMPLE, **sample}]}


def zipped(path: Path, members: dict[str, Any], **how: Any) -> Path:
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, value in members.items():
            archive.writestr(name, value if isinstance(value, str) else json.dumps(value))
    return path


def test_a_sample(came: Write) -> None:
    found = came(FORMAT, LOG)
    asked = [{"role": "user", "content": "Weather in Oslo?"}]
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    calling = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "t1", "type": "function", "function": function}],
    }
    assert found.traces[0].id == "u1"
    assert found.trace == {
        "id": "ID",
        "source": FORMAT,
        "name": "weather",
        "input": asked,
        "output": [
            calling,
            {"role": "tool", "name": "weather", "content": "rain", "tool_call_id": "t1"},
            {"role": "assistant", "content": "It rains.", "reasoning_content": "So."},
        ],
        "steps": [
            {"name": "react", "path": "react", "agent": "react", "started": START + 1, "ended": START + 6},
            {"name": "match", "path": "match", "started": START + 7, "ended": START + 9},
        ],
        "calls": [
            {
                "id": "ID-0",
                "step": 0,
                "path": "react",
                "node": "react",
                "cached": True,
                "model": "openai/gpt",
                "provider": "openai",
                "params": {"temperature": 0.5, "tool_choice": "auto"},
                "tools": [{"type": "function", "function": {"name": "weather", "description": "d", "parameters": {}}}],
                "prompt": asked,
                "replies": [
                    {"message": calling, "finish_reason": "tool_calls"},
                    {"message": {"role": "assistant", "content": "No."}, "finish_reason": "stop"},
                ],
                "usage": {"input_tokens": 5, "output_tokens": 2, "cached_tokens": 4, "reasoning_tokens": 1},
                "started": START + 2,
                "ended": START + 3,
            }
        ],
        "tool_runs": [
            {
                "id": "ID-tool-0",
                "name": "weather",
                "step": 0,
                "call": 0,
                "tool_call_id": "t1",
                "path": "react",
                "arguments": {"city": "Oslo"},
                "output": "rain",
                "started": START + 4,
                "ended": START + 5,
                "error": "timeout: late",
            }
        ],
        "feedback": [
            {"name": "match", "score": 1.0},
            {"name": "grade/style", "score": 0.25},
            {"name": "grade/tone", "comment": "warm"},
        ],
        "tags": ["x"],
        "metadata": {
            "problem": "weather/3",
            "epoch": 1,
            "model": "openai/gpt",
            "eval": "e1",
            "where": "f.json, sample 1",
        },
        "versions": {"inspect_ai": "0.3"},
        "started": START,
        "ended": START + 9,
    }
    assert [(one.reason, one.detail) for one in found.unmapped] == [
        ("gold", "1 calls of scorers, answer of a score, explanation of a score, metadata, target"),
        ("no-place", "1 events 'sandbox'"),
    ]


@pytest.mark.parametrize("uuid", ["u1", None])
def test_gold_reaches_no_trace_and_moves_nothing(came: Write, uuid: str | None) -> None:
    before = came(FORMAT, log(uuid=uuid))
    assert "GOLD" in json.dumps(LOG)
    assert "GOLD" not in before.traces[0].model_dump_json()
    poisoned = json.loads(json.dumps(log(uuid=uuid)).replace("GOLD", "POISON"))
    poisoned["samples"][0]["choices"] = ["POISON"]
    assert came(FORMAT, poisoned).traces == before.traces


def test_scorers_inside_of_spans_and_graders_elsewhere_are_left_out(came: Write) -> None:
    judged = SAMPLE["events"][7]
    events = [
        *SAMPLE["events"][:6],
        {"event": "span_begin", "id": "a", "type": "scorers", "name": "scorers"},
        {"event": "span_begin", "id": "b", "parent_id": "a", "type": "solver", "name": "inner"},
        {**judged, "span_id": "b"},
        {**SAMPLE["events"][3], "span_id": "b", "result": "GOLD"},
        {**judged, "span_id": "s1", "role": "grader"},
    ]
    found = came(FORMAT, log(events=events))
    assert found.counts[:3] == (1, 1, 1)
    assert "3 calls of scorers" in found.unmapped[0].detail
    assert "GOLD" not in found.traces[0].model_dump_json()


def test_the_zipped_log_is_the_same(came: Write, tmp_path: Path) -> None:
    header = {key: value for key, value in LOG.items() if key != "samples"}
    members = {"header.json": header, "samples/3_epoch_1.json": SAMPLE, "summaries.json": []}
    path = zipped(tmp_path / "f.eval", members, compression=zipfile.ZIP_DEFLATED)
    found = Came(FORMAT, path)
    [plain] = came(FORMAT, LOG).traces
    assert found.traces == [plain.model_copy(update={"metadata": {**plain.metadata, "where": "f.eval, sample 1"}})]
    crashed = zipped(tmp_path / "g.eval", {"_journal/start.json": header, "samples/3_epoch_1.json": SAMPLE})
    assert Came(FORMAT, crashed).traces[0].name == "weather"  # its header is in the journal only


def test_how_samples_stop(came: Write) -> None:
    failed = came(FORMAT, log(error={"message": "boom", "traceback": "..."})).trace
    assert (failed["outcome"], failed["error"]) == ("failed", "boom")
    cancelled = came(FORMAT, {**log(scores=None), "status": "cancelled"}).trace
    assert (cancelled["outcome"], cancelled["error"]) == ("cancelled", "cancelled")
    limited = came(FORMAT, log(limit={"type": "token", "limit": 5})).trace
    assert limited["metadata"]["limit"] == "token"
    assert "outcome" not in limited
    events = copy.deepcopy(SAMPLE["events"])
    events[2] |= {"error": "Cancelled by operator", "output": {}}
    assert came(FORMAT, log(events=events)).trace["calls"][0]["error"] == "cancelled"


def test_events_that_cannot_be_read_are_told_and_the_others_kept(came: Write) -> None:
    events = [5, {"event": "model", "output": {"choices": [{}]}}, {"event": "tool"},
              {"event": "model", "input_refs": [[0, 9]], "output": {}}, *SAMPLE["events"]]  # fmt: skip
    found = came(FORMAT, log(events=events))
    assert found.counts[:3] == (1, 1, 1)
    assert [one.detail for one in found.unmapped if one.reason == "unreadable-event"] == [
        "event 1: wrong-type: An event is a number, and an object was expected.",
        "event 2: wrong-type: A message is null, and an object was expected.",
        "event 3: no-tool-name: A tool event names no function.",
        "event 4: no-message: [0, 9] refers to no stretch of 1 messages.",
    ]


def test_a_log_without_events(came: Write) -> None:
    found = came(FORMAT, log(events=[], attachments={}))
    trace = found.trace
    assert (len(trace["calls"]), trace["calls"][0]["model"]) == (2, "openai/gpt")
    assert trace["tool_runs"][0]["arguments"] == ASKED["arguments"]
    assert trace["input"] == [{"role": "user", "content": "attachment://a1"}]
    assert found.reasons == {"gold": 1, "no-attachment": 1}


def test_replies_that_are_part_of_the_input_are_no_calls(came: Write) -> None:
    shown = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4", "source": "input"}]
    trace = came(FORMAT, log(events=[], messages=[*shown, *SAMPLE["messages"]])).trace
    assert [message["content"] for message in trace["input"]] == ["2+2?", "4", "Weather in Oslo?"]
    assert [len(call["prompt"]) for call in trace["calls"]] == [3, 5]


def test_older_steps_and_tools_with_events_inside(came: Write) -> None:
    tool = {**SAMPLE["events"][3], "span_id": None, "events": [{**SAMPLE["events"][2], "span_id": None}]}
    events = [
        {"event": "step", "action": "begin", "type": "solver", "name": "generate"},
        {**SAMPLE["events"][2], "span_id": None},
        tool,
        {"event": "step", "action": "end", "type": "solver", "name": "generate"},
        {"event": "step", "action": "begin", "type": "scorer", "name": "match"},
        SAMPLE["events"][7] | {"span_id": None},
    ]
    trace = came(FORMAT, log(events=events)).trace
    assert [step["path"] for step in trace["steps"]] == ["generate", "match"]
    assert [(call["step"], call.get("parent")) for call in trace["calls"]] == [(0, None), (0, 0)]
    assert trace["tool_runs"][0]["call"] == 0


@pytest.mark.parametrize(
    ("value", "where", "reason"),
    [
        ({}, "f.json", "no-log"),
        ({"eval": {}, "status": "started"}, "f.json", "no-samples"),
        ({"eval": {}, "samples": 5}, "f.json", "wrong-type"),
        ({"eval": {}, "samples": [5]}, "f.json, sample 1", "wrong-type"),
        ({"eval": {}, "samples": [{"input": "a"}]}, "f.json, sample 1", "no-reply"),
        ({"eval": {}, "samples": [{"input": 5}]}, "f.json, sample 1", "wrong-type"),
        ([], "f.json", "wrong-type"),
    ],
)
def test_a_log_that_cannot_be_read_is_told(came: Write, value: Any, where: str, reason: str) -> None:
    found = came(FORMAT, value)
    assert not found.traces
    assert [(one.where, one.reason) for one in found.unmapped] == [(where, reason)]


def test_damaged_archives_are_told(tmp_path: Path) -> None:
    header = {"eval": {"task": "t"}}
    members = {"header.json": "{", "samples/1.json": json.dumps(SAMPLE), "samples/2.json": '{"id": '}
    broken = Came(FORMAT, zipped(tmp_path / "a.eval", members))
    assert broken.counts[0] == 1
    assert {one.where: one.reason for one in broken.unmapped if one.reason == "no-json"} == {
        "a.eval, header.json": "no-json",
        "a.eval, sample 2": "no-json",
    }
    assert Came(FORMAT, zipped(tmp_path / "b.eval", {"header.json": header})).reasons == {"no-samples": 1}
    whole = zipped(tmp_path / "c.eval", {"header.json": header, "samples/1.json": SAMPLE}).read_bytes()
    at = whole.index(b"Weather in Oslo")
    (tmp_path / "c.eval").write_bytes(whole[:at] + b"w" + whole[at + 1 :])
    assert Came(FORMAT, tmp_path / "c.eval").reasons == {"no-zip": 1}  # its checksum is wrong
    (tmp_path / "d.eval").write_bytes(whole[:200])
    assert Came(FORMAT, tmp_path / "d.eval").reasons == {"no-zip": 1}
    place = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 4)
    (tmp_path / "e.eval").write_bytes(whole[: place + 10] + b"\x5d" + whole[place + 11 :])  # as zstd is marked
    [one] = Came(FORMAT, tmp_path / "e.eval").unmapped
    told = "no-zip" if "zipfile_zstd" in sys.modules else "compression"  # Inspect, once loaded, brings what reads zstd
    assert (one.where, one.reason) == ("e.eval, sample 1", told)


def test_real_logs(data: Path) -> None:
    found = Came(FORMAT, data / "inspect_ai/analysis")
    assert found.counts == (1, 5, 4, 1)
    [trace] = found.traces
    assert [step.name for step in trace.steps][:3] == ["init", "use_tools", "generate"]
    assert [run.call for run in trace.tool_runs] == [0, 1, 2, 3]
    assert (trace.calls[1].usage.input_tokens, trace.calls[1].usage.cached_tokens) == (1568, 1024)
    assert [len(call.prompt) for call in trace.calls] == [1, 3, 5, 7, 9]
    assert "attachment://" not in trace.model_dump_json()
    assert trace.output[-1]["content"].startswith("The AI Security Institute (AISI)")
    assert (trace.feedback[0].name, trace.feedback[0].score) == ("includes", 1.0)
    assert found.reasons == {"gold": 1, "no-place": 1}
    zipped_log = Came(FORMAT, data / "inspect_ai/log/test_eval_log/log_formats.eval")
    plain = Came(FORMAT, data / "inspect_ai/log/test_eval_log/log_formats.json")
    assert zipped_log.counts == plain.counts == (1, 1, 0, 1)
    [one], [other] = zipped_log.traces, plain.traces
    assert one.id == other.id  # the same run, written twice
    assert one.calls == other.calls
    assert one.calls[0].prompt[0]["role"] == "system"
    assert (one.output[0]["content"], one.feedback[0].score) == ("No", 0.0)
