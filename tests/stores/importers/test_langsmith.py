from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from langdistill.records import Trace
from langdistill.stores.importers.langsmith import read
from langdistill.stores.importing import Unmapped, import_traces
from langdistill.stores.sqlite import SQLiteStore

HERE = Path(__file__).parent


def imported(path: Path, *documents: Any) -> tuple[list[Trace], list[Unmapped]]:
    if documents:
        path.write_text("\n".join(map(json.dumps, documents)))
    items = list(read(path))
    return [one for one in items if isinstance(one, Trace)], [one for one in items if isinstance(one, Unmapped)]


def run(id: str, parent: str | None = None, kind: str = "chain", **fields: Any) -> dict[str, Any]:
    return {"id": id, "trace_id": "a", "parent_run_id": parent, "run_type": kind, "name": f"n{id}", "inputs": {},
            "start_time": f"2026-01-01T00:00:0{len(id)}", "end_time": "2026-01-01T00:00:09Z"} | fields  # fmt: skip


def test_an_agent_as_the_client_posts_it() -> None:
    (agent, failed, alone), unmapped = imported(HERE / "langsmith.jsonl")
    assert (agent.name, agent.source, agent.thread, agent.user, agent.tags) == (
        "calculator",
        "langsmith",
        "t-1",
        "u-1",
        ["demo"],
    )
    assert agent.input == [{"role": "user", "content": "What is 2 + 3, and 9 / 3?"}]
    assert [one["role"] for one in agent.output] == ["assistant", "tool", "tool", "assistant"]
    assert [(one.name, one.path, one.branch, one.agent) for one in agent.steps] == [
        ("model", "model", None, "calculator"),
        ("tools", "tools", 0, "calculator"),
        ("tools", "tools", 1, "calculator"),
        ("model", "model", None, "calculator"),
    ]
    first, second = agent.calls
    assert (first.step, second.step, first.node, first.model) == (0, 3, "model", "scripted")
    assert [tool["function"]["name"] for tool in first.tools] == ["add", "divide"]
    assert [one["role"] for one in second.prompt] == ["system", "user", "assistant", "tool", "tool"]
    assert first.replies[0].finish_reason == "stop"
    assert (first.usage.input_tokens, first.usage.output_tokens) == (11, 3)
    assert [(one.name, one.call, one.step, one.arguments, one.output) for one in agent.tool_runs] == [
        ("add", 0, 1, {"a": 2, "b": 3}, "5"),
        ("divide", 0, 2, {"a": 9, "b": 3}, "3.0"),
    ]
    assert agent.versions == {"langchain": "1.4.7", "langchain-core": "1.7.2", "langsmith": "0.14.17"}
    assert (failed.outcome, failed.steps[1].outcome, failed.tool_runs[0].call) == ("failed", "failed", 0)
    assert all(
        one.error and one.error.startswith("ZeroDivisionError")
        for one in (failed, failed.steps[1], failed.tool_runs[0])
    )
    assert [one.message["content"] for one in alone.calls[0].replies] == ["yes 0", "yes 1"]
    assert (alone.name, alone.calls[0].usage.output_tokens) == ("ScriptedChatModel", 4)
    assert [one.reason for one in unmapped] == ["step-values", "no-place"] * 2


def test_posts_and_patches_of_openai_wrapped(data: Path) -> None:
    traces, unmapped = imported(data / "langsmith")
    assert [one.model for trace in traces for one in trace.calls] == ["gpt-4o-mini"] * 3
    for trace in traces:
        (call,) = trace.calls
        assert call.prompt == trace.input == [{"role": "user", "content": "howdy"}]
        assert call.replies[0].message == {"role": "assistant", "content": "Howdy! How can I assist you today?"}
        assert call.replies[0].finish_reason == "stop"
        assert (call.usage.input_tokens, call.usage.output_tokens, call.provider) == (9, 9, "openai")
        assert 0 < call.ended - call.started < 3
    streamed = next(one.calls[0] for one in traces if one.calls[0].params.get("stream"))
    assert streamed.first_token
    assert streamed.started < streamed.first_token < streamed.ended
    events = [one for one in unmapped if "anthropic_managed" in one.where]
    assert {one.reason for one in events} == {"no-runs"}
    assert len({tuple(one.where.split(", row")[:2]) for one in events}) == 14


def test_what_is_no_json_is_told(data: Path) -> None:
    _, (unmapped,) = imported(data / "langsmith" / "cassettes" / "_langchain.yaml")
    assert unmapped.reason == "no-json"


def test_runs_of_a_trace_may_come_in_any_order_and_file(tmp_path: Path) -> None:
    lines = (HERE / "langsmith.jsonl").read_text().splitlines()
    for at, line in enumerate(reversed(lines)):
        (tmp_path / f"{at}.json").write_text(line)
    found, _ = imported(tmp_path)
    expected, _ = imported(HERE / "langsmith.jsonl")
    assert {one.id: one for one in found} == {one.id: one for one in expected}


def test_runs_of_models_alone_are_one_trace(tmp_path: Path) -> None:
    asked = [
        {"inputs": {"messages": [{"role": "user", "content": text}]}, "outputs": {"output": text * 2}} for text in "xy"
    ]
    rows = [run("b", "gone", "llm", **asked[0]), run("cc", "gone too", "llm", **asked[1])]
    (trace,), unmapped = imported(tmp_path / "rows.jsonl", rows)
    assert [one.id for one in trace.calls] == ["b", "cc"]
    assert (trace.input[0]["content"], trace.output[0]["content"]) == ("x", "yy")
    assert [one.reason for one in unmapped] == ["no-root"]


def test_orphans_circles_and_doubles(tmp_path: Path) -> None:
    rows = [
        run("a"),
        run("b", "gone"),
        run("cc", "ccc"),
        run("ccc", "cc"),
        run("a"),
        {"run_type": "llm"},
        5,
        run("d", "a", "odd"),
    ]
    (trace,), unmapped = imported(tmp_path / "rows.json", rows)
    assert {one.name for one in trace.steps} == {"na", "nb", "ncc", "nccc", "nd"}
    reasons = sorted(one.reason for one in unmapped)
    assert reasons == ["circle", "doubled", "no-id", "no-parent", "no-runs", "unknown-kind"]


def test_stops_that_are_no_failures(tmp_path: Path) -> None:
    rows = [
        run("a", outputs={"__interrupt__": [{"id": "i1", "value": "May I?"}]}),
        run("b", "a", error="GraphInterrupt((Interrupt(value='May I?', id='i1'),))Traceback ..."),
        run("cc", "a", error="ParentCommand(Command(goto='other'))"),
        run("d", "a", "llm", error="CancelledError()", outputs={"generations": [[{"text": "half"}]]}),
        run("e", "a", end_time=None),
    ]
    (trace,), _ = imported(tmp_path / "rows.json", rows)
    assert (trace.outcome, trace.interrupted, trace.error) == ("interrupted", True, None)
    assert [(one.id, one.value) for one in trace.interrupts] == [("i1", "May I?")]
    assert {one.name: (one.outcome, one.error) for one in trace.steps} == {
        "nb": ("interrupted", None),
        "ncc": ("handed-off", None),
        "ne": ("lost", None),
    }
    assert trace.calls[0].error == "cancelled"
    assert trace.calls[0].replies[0].partial


def test_feedback_retrievers_and_sub_agents(tmp_path: Path) -> None:
    said = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "t", "function": {"name": "ask", "arguments": "{}"}}],
    }
    rows = [
        run("a", feedback=[{"key": "helpful", "score": True, "comment": "yes"}]),
        run("b", "a", "retriever", inputs={"query": "x"}, outputs={"documents": [{"page_content": "y"}]}),
        run("cc", "a", "llm", outputs={"choices": [{"message": said}]}, feedback_stats={"tone": {"n": 2, "avg": 0.5}}),
        run("ddd", "a", "tool", name="ask", extra={"tool_call_id": "t"}),
        run("eeee", "ddd", "llm"),
    ]
    (trace,), unmapped = imported(
        tmp_path / "rows.jsonl", *rows, {"feedback": [{"run_id": "b", "key": "late", "score": 0}]}
    )
    assert [(one.name, one.score, one.comment) for one in trace.feedback] == [
        ("helpful", 1.0, "yes"), ("tone", 0.5, None), ("late", 0.0, None)]  # fmt: skip
    assert trace.tool_runs[0].output == {"documents": [{"page_content": "y"}]}
    assert (trace.tool_runs[1].call, trace.calls[1].parent) == (0, 0)
    assert not [one for one in unmapped if one.reason != "no-place"]


def test_a_run_without_trace_id_is_of_the_root_above_it(tmp_path: Path) -> None:
    rows = [run(id, parent, trace_id=None) for id, parent in (("a", None), ("bb", "a"), ("ccc", "bb"))]
    (trace,), unmapped = imported(tmp_path / "rows.json", rows)
    assert (trace.id, [one.path for one in trace.steps]) == ("a", ["nbb", "nbb/nccc"])
    assert not unmapped


def test_into_a_store_twice_doubles_none(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    for _ in range(2):
        became = import_traces(HERE / "langsmith.jsonl", "langsmith", store)
        assert (became.traces, became.reasons) == (3, {"no-place": 2, "step-values": 2})
    assert len(list(store.traces())) == 3
    store.close()
