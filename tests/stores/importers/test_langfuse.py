"""Real Langfuse exports (langfuse/langfuse, MIT), each beside the chat that Langfuse itself shows for it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langdistill.records import Trace
from langdistill.stores.foreign.conversations import conversation, said_at_the_end
from langdistill.stores.foreign.losses import Losses
from langdistill.stores.importers.langfuse import read
from langdistill.stores.importing import Unmapped

FRAMEWORKS = ("autogen-2025-06-06", "claude-agent-2025-12-22", "crewai-2025-07-11", "google-adk-2025-08-28",
              "langgraph-js-2025-10-30", "langgraph-python-2025-08-22", "llamaindex-2025-06-05",
              "openai-agents-2025-09-30", "pydantic-ai-2025-06-06", "vertex-ai-2025-08-01")  # fmt: skip
NO_CHAT = {"autogen": 2, "claude-agent": 7, "crewai": 3, "google-adk": 1, "langgraph-js": 26, "langgraph-python": 3,
           "llamaindex": 2, "openai-agents": 2, "pydantic-ai": 0, "vertex-ai": 0}  # fmt: skip
"""Inputs and outputs that Langfuse could not make a chat of: it tells the error of its schema there, and no chat."""
OTHER_ROLE = {
    ("google-adk", "bded677884f031ce", "input", 3): "user",  # Gemini's result of a function: here it is the tool's
    (
        "langgraph-js",
        "0856a1825ccee968",
        "input",
        2,
    ): "get_weather",  # the tool's name: here the role is "tool", and that the name
}
"""Rows where Langfuse tells another role than a message here has, and which."""


def text(value: Any) -> Any:
    """What a content says: JSON text as its value, a single part of text as that, nothing as `None`."""
    if isinstance(value, list) and value and all(isinstance(one, dict) and "type" in one for one in value):
        value = [one for one in value if one["type"] != "tool_use"]
        if len(value) == 1 and value[0]["type"] == "text":
            value = value[0]["text"]
    with contextlib.suppress(ValueError):
        value = json.loads(value) if isinstance(value, str) else value
    return value if value not in ("", [], None) else None


def calls(message: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Id, name and arguments of the tool calls of a message, of Langfuse's flat shape, Anthropic's or OpenAI's."""
    listed = [one.get("function", {}) | one for one in message.get("tool_calls") or []]
    parts = message.get("content") if isinstance(message.get("content"), list) else []
    used = [(one["id"], one["name"], one["input"]) for one in parts if one.get("type") == "tool_use"]
    return used + [(one["id"], one["name"], json.loads(one["arguments"])) for one in listed]


def rows(data: Path, name: str) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """An observation, a side of it, and what Langfuse says of that."""
    folder = data / "langfuse_traces"
    observations = json.loads((folder / f"{name}.trace.json").read_text())["observations"]
    by_id = {one["id"]: one for one in observations}
    for id, sides in json.loads((folder / f"{name}.chatml.json").read_text()).items():
        for side, expected in sides.items():
            yield by_id[id], side, expected


def imported(data: Path, name: str) -> tuple[Trace, list[Unmapped]]:
    items = list(read(data / "langfuse_traces" / f"{name}.trace.json"))
    (trace,) = [one for one in items if isinstance(one, Trace)]
    return trace, [one for one in items if isinstance(one, Unmapped)]


def said(observation: dict[str, Any], side: str, trace: Trace) -> list[Any]:
    """The messages of a side: of a call as they are in the trace, of anything else as they are read."""
    for call in trace.calls:
        if call.id == observation["id"]:
            return list(call.prompt) if side == "input" else [one.message for one in call.replies]
    value = observation[side]
    return list(conversation(value, Losses("")).messages if side == "input" else said_at_the_end(value, [], Losses("")))


def compare(ours: dict[str, Any], expected: dict[str, Any], role: str | None) -> None:
    if "role" in expected:
        assert ours["role"] == {"model": "assistant"}.get(role or expected["role"], role or expected["role"])
    assert text(ours["content"]) == text(expected.get("content"))
    assert calls(ours) == calls(expected)
    for key in ("name", "tool_call_id"):
        if key in expected:
            assert ours[key] == expected[key]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_chat_is_the_one_that_langfuse_shows(data: Path, name: str) -> None:
    trace, _ = imported(data, name)
    short = name[:-11]
    no_chat = 0
    for observation, side, expected in rows(data, name):
        if not expected["success"]:
            no_chat += 1
            continue
        chat = expected["data"]
        if [one.keys() - {"json", "tools"} for one in chat] == [set()]:  # no message: the raw value, or nothing
            assert chat[0].get("json", {}) == json.loads(observation[side])
            continue
        ours = said(observation, side, trace)
        assert len(ours) == len(chat)
        for at, (one, other) in enumerate(zip(ours, chat, strict=True)):
            differs = OTHER_ROLE.get((short, observation["id"], side, at))
            assert differs is None or differs == other["role"]
            compare(one, other, "tool" if differs else None)
    assert no_chat == NO_CHAT[short]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_tools_are_those_that_langfuse_shows(data: Path, name: str) -> None:
    trace, _ = imported(data, name)
    offered = {call.id: [one["function"] for one in call.tools] for call in trace.calls}
    for observation, _, expected in rows(data, name):
        for message in expected.get("data", []):
            for at, tool in enumerate(message.get("tools", [])):
                ours = offered[observation["id"]][at]
                assert ours["name"] == tool["name"]
                assert ours.get("parameters") == tool.get("parameters")
                assert (ours.get("description") or "") == tool.get("description", "")


def test_a_choice_that_langfuse_leaves_raw_is_a_reply(data: Path) -> None:
    trace, _ = imported(data, "pydantic-ai-2025-06-06")
    (_, side, raw) = next(row for row in rows(data, "pydantic-ai-2025-06-06") if row[1] == "output")
    assert side == "output"
    assert trace.calls[0].replies[0].message == raw["data"][0]["json"]["message"]
    assert trace.feedback[0].name == "correction"
    assert trace.feedback[0].comment == trace.calls[0].replies[0].message["content"]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_observation_has_a_place(data: Path, name: str) -> None:
    trace, unmapped = imported(data, name)
    whole = json.loads((data / "langfuse_traces" / f"{name}.trace.json").read_text())
    ids = {one["id"] for one in whole["observations"]}
    assert trace.source == "langfuse"
    assert trace.id == whole["trace"]["id"]
    assert {one.id for one in (*trace.calls, *trace.tool_runs)} <= ids
    root = not (trace.calls and len(ids) == 1)
    assert len(trace.steps) + len(trace.calls) + len(trace.tool_runs) + root == len(ids)
    assert {one["id"] for one in whole["observations"] if one["type"] == "GENERATION"} == {
        one.id for one in trace.calls
    }
    assert {one.reason for one in unmapped} <= {"step-values", "no-place", "no-messages"}
    assert trace.input
    assert trace.output


def test_langgraph(data: Path) -> None:
    trace, unmapped = imported(data, "langgraph-python-2025-08-22")
    assert trace.name == "LangGraph"
    assert [(one.name, one.path, one.parent) for one in trace.steps] == [
        ("agent", "agent", None),
        ("should_continue", "agent", 0),
        ("tools", "tools", None),
        ("agent", "agent", None),
        ("should_continue", "agent", 3),
    ]
    first, second = trace.calls
    assert (first.step, first.node, first.model, first.provider) == (0, "agent", "gpt-4o-2024-08-06", "openai")
    assert (first.usage.input_tokens, first.usage.output_tokens) == (60, 15)
    assert first.params == {"temperature": 0}
    assert [one["role"] for one in second.prompt] == ["user", "user", "assistant", "tool"]
    (tool,) = trace.tool_runs
    assert (tool.name, tool.step, tool.call, tool.arguments) == ("Web-Search", 2, 0, {"query": "example"})
    assert tool.tool_call_id == first.replies[0].message["tool_calls"][0]["id"]
    assert [(one.name, one.score) for one in trace.feedback] == [("hallucination", 0.1), ("toxicity", 0.0)]
    assert [one["role"] for one in trace.output] == ["assistant", "tool", "assistant"]
    assert [one.reason for one in unmapped] == ["step-values", "no-place"]


def test_tokens_told_apart(data: Path) -> None:
    trace, _ = imported(data, "langgraph-js-2025-10-30")
    assert trace.calls[1].usage.output_tokens == 99
    assert trace.calls[1].usage.reasoning_tokens == 64


def test_tools_are_linked_to_the_calls_that_asked(data: Path) -> None:
    for name, links in {
        "claude-agent-2025-12-22": [1, 2],
        "openai-agents-2025-09-30": [0],
        "google-adk-2025-08-28": [0],
    }.items():
        trace, _ = imported(data, name)
        assert [one.call for one in trace.tool_runs] == links


def test_thread_user_tags_and_garbage_of_a_recorder(data: Path) -> None:
    trace, _ = imported(data, "autogen-2025-06-06")
    assert (trace.thread, trace.user, trace.tags) == ("session_abc", "user_123", ["autogen", "dev"])
    assert trace.metadata["email"] == "user@langfuse.com"
    _, unmapped = imported(
        data, "claude-agent-2025-12-22"
    )  # its recorder wrote {"content": "role"} as three of the prompts
    assert [one.detail for one in unmapped if one.reason == "no-messages"] == [
        "Expected a conversation, got dict {'content': 'role'}"
    ] * 3
