"""Agent runs of other programs, as rows: every tool call, its name and arguments, is compared with the file itself."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.groups import Group
from langdistill.records import Example, Trace
from langdistill.stores.importing import find_importer

RECORDED = Path(__file__).parents[2] / "stores" / "importers"
Calls = list[tuple[str, Any]]


def told(value: object) -> str | None:
    return getattr(value, "__name__", None)


def imported(format: str, path: Path) -> list[Trace]:
    return [one for one in find_importer(format)(path) if isinstance(one, Trace)]


def rows_of(format: str, path: Path) -> tuple[list[Example], list[str]]:
    """A row for each trace that gives one, in the order of the file, and the reasons of the others."""
    rows, reasons = list[Example](), list[str]()
    for trace in imported(format, path):
        taken = whole_agent()(Group(trace.problem, (trace,)))
        rows += taken.examples
        reasons += [] if taken.examples else [taken.reason]
    return rows, reasons


def parsed(arguments: Any) -> Any:
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def learnt(rows: list[Example]) -> Calls:
    """The tool calls in the targets; the prompts hold none."""
    assert not [call for row in rows for message in row.messages for call in message.get("tool_calls", [])]
    functions = [call["function"] for row in rows for message in row.target for call in message.get("tool_calls", [])]
    return [(one["name"], parsed(one["arguments"])) for one in functions]


def in_messages(messages: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The calls of messages in the shape of OpenAI."""
    for message in messages:
        for call in message.get("tool_calls") or []:
            function = call.get("function", call)
            name = function if isinstance(function, str) else function["name"]
            yield name, parsed((call if isinstance(function, str) else function)["arguments"])


def swe_agent(path: Path) -> Iterator[tuple[str, Any]]:
    for file in sorted(path.rglob("*.traj*")):
        raw = json.loads(file.read_text()) if file.is_file() else {}
        history = raw if isinstance(raw, list) else raw.get("history") or raw.get("messages") or []
        yield from in_messages([one for one in history if not one.get("is_demo")])


def toolbench(path: Path) -> Iterator[tuple[str, Any]]:
    """Those on the way to the answer, which is the last one that the search found."""
    for file in sorted(path.rglob("*.json")):
        raw = json.loads(file.read_text())
        if raw["win"]:
            ways = list(_ways(raw["tree"]["tree"], ()))
            yield from _of_way([way for way in ways if way[-1].get("observation_code") == 3][-1])


def _ways(node: dict[str, Any], before: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    way = (*before, node)
    if not node["children"]:
        yield way
    for child in node["children"]:
        yield from _ways(child, way)


def _of_way(way: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    for action, given in pairwise(way):
        if action["node_type"] == "Action":
            assert given["node_type"] == "Action Input"
            yield action["description"], parsed(given["description"])


def llamafactory(path: Path) -> Iterator[tuple[str, Any]]:
    for line in path.read_text().split("\n"):
        for message in json.loads(line)["messages"] if line else []:
            for part in message["content"] if isinstance(message["content"], list) else []:
                if part["type"] == "tool_call":
                    one = json.loads(part["value"])
                    yield one["name"], parsed(one["arguments"])
            yield from in_messages([message])


def inspect_ai(path: Path) -> Iterator[tuple[str, Any]]:
    for file in sorted(path.rglob("*.json")):
        for sample in json.loads(file.read_text())["samples"]:
            yield from in_messages(sample["messages"])


def inspect_zip(path: Path) -> Iterator[tuple[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("samples/"):
                yield from in_messages(json.loads(archive.read(name))["messages"])


def anything(path: Path) -> Iterator[tuple[str, Any]]:
    """The calls that stand anywhere in spans, each id once, in whichever spelling."""
    found: dict[str, tuple[str, Any]] = {}
    for value in _values(json.loads(path.read_text())):
        if value.get("type") in ("tool_use", "tool_call", "function_call", "tool-call") or "function" in value:
            function = value.get("function") if isinstance(value.get("function"), dict) else value
            name = function.get("name") or function.get("toolName")
            given = next((function[key] for key in ("arguments", "input", "args") if key in function), None)
            id = value.get("id") or value.get("call_id") or value.get("toolCallId")
            if name and given is not None and id:
                found.setdefault(id, (name, parsed(given)))
    yield from found.values()


def _values(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, str) and value[:1] in "[{":
        value = parsed(value)
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _values(inner)


TABLE: list[tuple[str, str, Callable[[Path], Iterator[tuple[str, Any]]], int, list[str], int]] = [
    ("swe_agent", "swe_agent", swe_agent, 6, [], 40),
    ("toolbench", "toolbench/answer", toolbench, 4, ["failed-runs"], 16),
    ("openai_chat", "llamafactory_demo/reason_tool_use_demo_50.jsonl", llamafactory, 50, [], 68),
    ("inspect_ai", "inspect_ai/analysis", inspect_ai, 1, [], 4),
    ("inspect_ai", "inspect_ai/log/test_eval_log/log_formats.eval", inspect_zip, 1, [], 0),
    ("langfuse", "langfuse_traces/autogen-2025-06-06.trace.json", anything, 1, [], 0),
    ("langfuse", "langfuse_traces/claude-agent-2025-12-22.trace.json", anything, 1, [], 2),
    ("langfuse", "langfuse_traces/crewai-2025-07-11.trace.json", anything, 1, [], 0),
    ("langfuse", "langfuse_traces/langgraph-js-2025-10-30.trace.json", anything, 1, [], 1),
    ("langfuse", "langfuse_traces/langgraph-python-2025-08-22.trace.json", anything, 1, [], 1),
    ("langfuse", "langfuse_traces/llamaindex-2025-06-05.trace.json", anything, 1, [], 0),
    ("langfuse", "langfuse_traces/openai-agents-2025-09-30.trace.json", anything, 1, [], 1),
    ("langfuse", "langfuse_traces/pydantic-ai-2025-06-06.trace.json", anything, 1, [], 0),
    ("langfuse", "langfuse_traces/vertex-ai-2025-08-01.trace.json", anything, 1, [], 0),
]
"""Format, file, reader, rows, why other runs give none, tool calls."""


@pytest.mark.parametrize(("format", "place", "read", "count", "without", "calls"), TABLE, ids=told)
def test_every_tool_call_of_a_run_is_in_its_row(
    data: Path,
    format: str,
    place: str,
    read: Callable[[Path], Iterator[tuple[str, Any]]],
    count: int,
    without: list[str],
    calls: int,
) -> None:
    rows, reasons = rows_of(format, data / place)
    expected = list(read(data / place))
    assert (len(rows), reasons, len(expected)) == (count, without, calls)
    assert sorted(learnt(rows), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("format", "name", "runs"),
    [("langsmith", "langsmith.jsonl", 2), ("otel", "openinference.json", 2), ("otel", "openllmetry.json", 2)],
)
def test_recorders_of_others_tell_the_same_row(format: str, name: str, runs: int) -> None:
    rows, reasons = rows_of(format, RECORDED / name)
    assert len(rows) == runs
    assert reasons.count("failed-runs") == 1
    assert learnt(rows) == [("add", {"a": 2, "b": 3}), ("divide", {"a": 9, "b": 3})]
    [row] = [row for row in rows if row.tools]
    assert [one["role"] for one in row.messages] == ["system", "user"]
    assert [one["role"] for one in row.target] == ["assistant", "tool", "tool", "assistant"]
    assert [one["function"]["name"] for one in row.tools] == ["add", "divide"]


def test_a_call_without_an_id_is_kept(data: Path) -> None:
    [row], _ = rows_of("langfuse", data / "langfuse_traces/google-adk-2025-08-28.trace.json")
    assert learnt([row]) == [("say_hello", {})]
    assert [one["function"]["name"] for one in row.tools] == ["say_hello"]


FIREACT = {"trajs": 1777, "alpaca_format": 1385, "gpt_format": 1385}
ACTION = re.compile(r"^Action:[ \t]*(\w+)\[(.*)\][ \t]*$", re.MULTILINE)


def fireact_runs(path: Path) -> Iterator[str]:
    [file] = path.glob("*.json")
    for run in json.loads(file.read_text()).values():
        yield run["traj"].split("### Response:")[1]


def fireact_rows(path: Path) -> Iterator[str]:
    for row in json.loads((path / "hotpotqa.json").read_text()):
        yield row["output"]


def fireact_chats(path: Path) -> Iterator[str]:
    for line in (path / "hotpotqa.jsonl").read_text().splitlines():
        yield "\n".join(one["content"] for one in json.loads(line)["messages"] if one["role"] == "assistant")


@pytest.mark.parametrize(
    ("format", "place", "read", "actions"),
    [
        ("fireact", "trajs", fireact_runs, FIREACT["trajs"]),
        ("fireact", "alpaca_format", fireact_rows, FIREACT["alpaca_format"]),
        ("openai_chat", "gpt_format", fireact_chats, FIREACT["gpt_format"]),
    ],
    ids=told,
)
def test_every_action_in_the_text_of_a_run_is_learnt(
    data: Path, format: str, place: str, read: Callable[[Path], Iterator[str]], actions: int
) -> None:
    rows, reasons = rows_of(format, data / "fireact" / place)
    said = [
        [found for one in row.target if one["role"] == "assistant" for found in ACTION.findall(str(one["content"]))]
        for row in rows
    ]
    expected = [ACTION.findall(text) for text in read(data / "fireact" / place)]
    assert said == expected
    assert (len(rows), reasons, sum(map(len, expected))) == (500, [], actions)
    assert not [row for row in rows if row.target[-1]["role"] == "user"]
