from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import AGENT, EVENTS

FORMAT = "managed_agents"
Write = Callable[..., Came]


def user(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "user.message", "content": [{"type": "text", "text": text}], **more}


def agent(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "agent.message", "content": [{"type": "text", "text": text}], **more}


def test_a_session(came: Write) -> None:
    found = came(FORMAT, [AGENT, *EVENTS])
    system = {"role": "system", "content": "Be brief."}
    asked = {"role": "user", "content": "Weather in Oslo?"}
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    looked = {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [{"id": "e6", "type": "function", "function": function}],
        "reasoning_content": "I must look.",
    }
    saw = {"role": "tool", "content": "too late", "tool_call_id": "e6"}
    said = {"role": "assistant", "content": "I cannot say."}
    schema = {"name": "weather", "description": "d", "parameters": {"type": "object"}}
    asked_with = {"model": "claude", "tools": [{"type": "function", "function": schema}]}
    assert found.trace == {
        "id": "ID",
        "source": FORMAT,
        "name": "Forecaster",
        "thread": "ID",
        "input": [system, asked],
        "output": [looked, saw, said],
        "calls": [
            {
                "id": "ID-0",
                **asked_with,
                "prompt": [system, asked],
                "replies": [{"message": looked}],
                "usage": {"input_tokens": 3, "output_tokens": 5, "cached_tokens": 2},
                "started": 1783355195.0,
                "ended": 1783355196.0,
            },
            {"id": "ID-1", **asked_with, "prompt": [system, asked, looked, saw], "replies": [{"message": said}]},
        ],
        "tool_runs": [
            {
                "id": "ID-tool-2",
                "name": "weather",
                "call": 0,
                "tool_call_id": "e6",
                "arguments": {"city": "Oslo"},
                "output": "too late",
                "error": "too late",
            }
        ],
        "metadata": {"title": "Weather", "where": "f.json"},
        "started": 1783355194.0,
        "ended": 1783355196.0,
    }
    assert [(one.reason, one.detail) for one in found.unmapped] == [("no-place", "agent_toolset")]


@pytest.mark.parametrize("told", [EVENTS, [{"data": EVENTS}], [["sessions.events.list", {"data": EVENTS}]]])
def test_events_without_their_session(came: Write, told: list[Any]) -> None:
    [trace] = came(FORMAT, *told, name="f.jsonl").traces
    assert (trace.name, trace.thread, len(trace.calls), len(trace.tool_runs)) == (FORMAT, None, 2, 1)


def test_what_a_client_sent_counts_once(came: Write) -> None:
    sent = ["sessions.events.send", ["sesn_1", {"events": [user("Hi")]}]]
    heard = ["sessions.events.stream", user("Hi", id="e1")]
    replied = ["sessions.events.stream", agent("Hello", id="e2")]
    for rows in ([sent, heard, replied], [sent, replied], [heard, replied]):
        found = came(FORMAT, *rows)
        assert found.trace["input"] == [{"role": "user", "content": "Hi"}]
        assert found.trace["output"] == [{"role": "assistant", "content": "Hello"}]
        assert not found.unmapped


@pytest.mark.parametrize(
    ("last", "outcome", "error"),
    [
        ({"type": "session.status_idle", "stop_reason": {"type": "requires_action"}}, "interrupted", None),
        ({"type": "session.status_idle", "stop_reason": {"type": "end_turn"}}, "ended", None),
        ({"type": "session.status_terminated"}, "failed", None),
        ({"type": "session.status_running"}, "lost", None),
        ({"type": "session.error", "error": {"message": "down"}}, "failed", "down"),
    ],
)
def test_how_it_stopped(came: Write, last: Any, outcome: str, error: str | None) -> None:
    [trace] = came(FORMAT, [user("Hi", id="e1"), agent("Hello", id="e2"), last]).traces
    assert (trace.outcome, trace.error) == (outcome, error)


def test_a_part_without_a_text_stays_a_part(came: Write) -> None:
    odd = {"type": "text", "text": {"value": 1}}
    trace = came(FORMAT, [{"type": "user.message", "id": "e1", "content": [odd]}, agent("Hello", id="e2")]).trace
    assert trace["input"] == [{"role": "user", "content": [odd]}]


def test_losses_are_told(came: Write) -> None:
    events = [
        user("Hi", id="e1"),
        agent("Hello", id="e2"),
        agent("Hello", id="e2"),
        5,
        {"type": "agent.thread_message_sent", "id": "e3"},
        {"type": "agent.tool_result", "id": "e4", "tool_use_id": "gone", "content": "a"},
    ]
    found = came(FORMAT, events)
    assert found.counts == (1, 1, 0, 0)
    assert found.reasons == {"doubled": 1, "wrong-type": 1, "unknown-kind": 1, "no-tool-call": 1, "unanswered": 1}
    assert came(FORMAT, [user("Hi")]).reasons == {"no-reply": 1}


def test_a_real_session(data: Path) -> None:
    path = data / "langsmith/js_test_data/anthropic_managed_builtin_tools.jsonl"
    found = Came(FORMAT, path)
    assert found.counts == (1, 2, 1, 0)
    [trace] = found.traces
    assert (trace.id, trace.name, trace.outcome) == ("sesn_01UunETy25dNCWyPpkXe27t5", "Coding Assistant", "ended")
    assert [call.usage.output_tokens for call in trace.calls] == [46, 34]
    events = [json.loads(line)[1] for line in path.read_text().splitlines() if line]
    [used] = [one for one in events if isinstance(one, dict) and one["type"] == "agent.tool_use"]
    [run] = trace.tool_runs
    assert (run.name, run.arguments, run.tool_call_id) == (used["name"], used["input"], used["id"])
    assert [(one.reason, one.detail) for one in found.unmapped] == [("no-place", "agent_toolset_20260401")]
