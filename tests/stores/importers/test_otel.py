from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from langdistill.records import Trace
from langdistill.stores.importers.otel import read
from langdistill.stores.importing import Unmapped

HERE = Path(__file__).parent


def any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": any_value(one)} for key, one in value.items()]}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue"}.get(type(value), "stringValue")
    return {kind: str(value) if kind == "intValue" else value}


def listed(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def span(id: str, attributes: dict[str, Any], parent: str = "", events: Any = (), **more: Any) -> dict[str, Any]:
    told = [
        {"name": name, "timeUnixNano": "1500000000500000000", "attributes": listed(fields)} for name, fields in events
    ]
    return {"traceId": "t", "spanId": id, "parentSpanId": parent, "name": f"n{id}", "attributes": listed(attributes),
            "startTimeUnixNano": "1500000000000000000", "endTimeUnixNano": "1500000001000000000", "events": told} | more  # fmt: skip


def imported(path: Path, *spans: dict[str, Any]) -> tuple[list[Trace], list[Unmapped]]:
    if spans:
        path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}))
    items = list(read(path))
    return [one for one in items if isinstance(one, Trace)], [one for one in items if isinstance(one, Unmapped)]


def test_an_agent_by_openinference() -> None:
    (agent, failed, alone), unmapped = imported(HERE / "openinference.json")
    assert (agent.name, agent.source, agent.thread, agent.user) == ("calculator", "otel", "t-1", "u-1")
    assert agent.input == [{"role": "user", "content": "What is 2 + 3, and 9 / 3?"}]
    assert [one["role"] for one in agent.output] == ["assistant", "tool", "tool", "assistant"]
    assert [(one.name, one.path, one.branch) for one in agent.steps] == [
        ("model", "model", None), ("tools", "tools", 0), ("tools", "tools", 1), ("model", "model", None)]  # fmt: skip
    first, second = agent.calls
    assert (first.step, first.model, first.usage.input_tokens, first.usage.output_tokens) == (0, "scripted", 11, 3)
    assert [one["function"]["name"] for one in first.tools] == ["add", "divide"]
    assert second.prompt[2]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 2, "b": 3}'}
    assert second.prompt[3] == {"role": "tool", "content": "5", "name": "add", "tool_call_id": "call_1"}
    assert [(one.name, one.call, one.arguments, one.output) for one in agent.tool_runs] == [
        ("add", 0, {"a": 2, "b": 3}, "5"), ("divide", 0, {"a": 9, "b": 3}, "3.0")]  # fmt: skip
    assert (failed.outcome, failed.error) == ("failed", "ZeroDivisionError('division by zero')")
    assert failed.tool_runs[0].error == "ZeroDivisionError('division by zero')"
    assert [one.message["content"] for one in alone.calls[0].replies] == ["yes 0", "yes 1"]
    assert alone.versions == {"openinference.instrumentation.langchain": "0.1.80", "opentelemetry": "1.45.2"}
    assert [one.reason for one in unmapped] == ["step-values", "step-values"]


def test_an_agent_by_openllmetry() -> None:
    (_, agent, _, alone), _ = imported(HERE / "openllmetry.json")
    assert (agent.name, agent.thread, agent.user) == ("invoke_agent calculator", "t-1", "u-1")
    assert agent.input == [{"role": "user", "content": "What is 2 + 3, and 9 / 3?"}]
    assert agent.calls[0].prompt[0] == {"role": "system", "content": "You calculate."}
    assert [one["function"]["name"] for one in agent.calls[0].tools] == ["add", "divide"]
    assert [(one.name, one.call, one.arguments, one.output) for one in agent.tool_runs] == [
        ("add", 0, {"a": 2, "b": 3}, "5"), ("divide", 0, {"a": 9, "b": 3}, "3.0")]  # fmt: skip
    assert [(one.message["content"], one.finish_reason) for one in alone.calls[0].replies] == [
        ("yes 0", "stop"),
        ("yes 1", "stop"),
    ]


def test_the_three_recorders_saw_the_same() -> None:
    from langdistill.stores.importers.langsmith import read as read_runs

    by_smith = [one for one in read_runs(HERE / "langsmith.jsonl") if isinstance(one, Trace)]
    by_inference, _ = imported(HERE / "openinference.json")
    for one, other in zip(by_smith, by_inference, strict=True):
        assert (one.input, one.output) == (other.input, other.output)
        for call, twin in zip(one.calls, other.calls, strict=True):
            assert (call.tools, call.prompt, call.replies, call.usage) == (
                twin.tools,
                twin.prompt,
                twin.replies,
                twin.usage,
            )
        seen = [
            (tool.name, tool.arguments, tool.output, tool.tool_call_id, tool.step, tool.call) for tool in one.tool_runs
        ]
        if one.outcome == "ended":
            assert seen == [(t.name, t.arguments, t.output, t.tool_call_id, t.step, t.call) for t in other.tool_runs]


def test_genai_messages_of_parts(tmp_path: Path) -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
             {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "look", "arguments": {"at": "Rome"}}]},
             {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "rainy"}]}]  # fmt: skip
    said = [{"role": "assistant", "finish_reason": "stop",
             "parts": [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "Rain."}]}]  # fmt: skip
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m", "gen_ai.request.n": 1,
                  "gen_ai.response.model": "m-1", "gen_ai.request.temperature": 0.5, "gen_ai.input.messages": asked,
                  "gen_ai.system_instructions": [{"type": "text", "content": "Be short."}], "gen_ai.output.messages": json.dumps(said),
                  "gen_ai.usage.input_tokens": 9, "gen_ai.usage.cache_read.input_tokens": 4, "gen_ai.conversation.id": "th",
                  "gen_ai.tool.definitions": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
                  "gen_ai.something": "new"}  # fmt: skip
    (trace,), unmapped = imported(tmp_path / "spans.json", span("a", attributes, events=[("gen_ai.first_token", {})]))
    (call,) = trace.calls
    assert call.prompt == trace.input
    assert [(one["role"], one["content"]) for one in call.prompt] == [
        ("system", "Be short."), ("user", "Weather?"), ("assistant", None), ("tool", "rainy")]  # fmt: skip
    assert call.prompt[2]["tool_calls"] == [
        {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"at": "Rome"}'}}
    ]
    assert call.replies[0].message == {"role": "assistant", "content": "Rain.", "reasoning_content": "Hm."}
    assert (call.model, call.provider, call.replies[0].finish_reason, trace.thread) == ("m-1", "openai", "stop", "th")
    assert (call.usage.input_tokens, call.usage.cached_tokens) == (9, 4)
    assert call.params == {"n": 1, "temperature": 0.5}
    assert call.tools == [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    assert call.first_token == 1500000000.5
    assert [(one.reason, "gen_ai.something (1)" in one.detail) for one in unmapped] == [("no-place", True)]


def test_genai_messages_as_events_and_indexed(tmp_path: Path) -> None:
    events = [("gen_ai.system.message", {"content": "S"}), ("gen_ai.user.message", {"content": "U"}),
              ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A"}})]  # fmt: skip
    indexed = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "U", "gen_ai.prompt.10.role": "user",
               "gen_ai.prompt.10.content": "V", "gen_ai.prompt.2.role": "assistant", "gen_ai.prompt.2.tool_calls.0.name": "f",
               "gen_ai.prompt.2.tool_calls.0.arguments": "{}", "gen_ai.completion.0.content": "A",
               "gen_ai.completion.0.finish_reason": "length", "llm.request.type": "chat"}  # fmt: skip
    spans = [span("a", {"gen_ai.operation.name": "chat"}, events=events), span("b", indexed, "a")]
    (trace,), _ = imported(tmp_path / "spans.json", *spans)
    first, second = trace.calls
    assert first.prompt == [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    assert (first.replies[0].message, first.replies[0].finish_reason) == ({"role": "assistant", "content": "A"}, "stop")
    assert [one["content"] for one in second.prompt] == ["U", None, "V"]
    assert second.prompt[1]["tool_calls"][0]["function"]["name"] == "f"
    assert second.replies[0].finish_reason == "length"


def test_vercel(tmp_path: Path) -> None:
    asked = [{"role": "user", "content": [{"type": "text", "text": "U"}]}]
    calls = [{"toolCallId": "c", "toolName": "f", "args": '{"x": 1}'}]
    attributes = {"ai.operationId": "ai.generateText.doGenerate", "ai.prompt.messages": json.dumps(asked), "ai.response.text": "A",
                  "ai.response.toolCalls": json.dumps(calls), "ai.usage.promptTokens": 3, "ai.model.id": "m"}  # fmt: skip
    tool = {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "f", "ai.toolCall.id": "c", "ai.toolCall.args": '{"x": 1}',
            "ai.toolCall.result": "2"}  # fmt: skip
    root = {"ai.operationId": "ai.generateText", "ai.prompt": '{"prompt": "U"}', "ai.response.text": "A"}
    (trace,), _ = imported(tmp_path / "s.json", span("r", root), span("a", attributes, "r"), span("b", tool, "r"))
    assert trace.calls[0].prompt == trace.input == [{"role": "user", "content": "U"}]
    assert trace.calls[0].replies[0].message["content"] == "A"
    assert (trace.tool_runs[0].name, trace.tool_runs[0].call, trace.tool_runs[0].arguments) == ("f", 0, {"x": 1})


def test_spans_of_a_trace_may_be_in_several_lines(tmp_path: Path) -> None:
    whole = json.loads((HERE / "openinference.json").read_text())
    group = whole["resourceSpans"][0]
    scope = group["scopeSpans"][0]
    lines = [{"resourceSpans": [{**group, "scopeSpans": [{**scope, "spans": [one]}]}]} for one in scope["spans"]]
    (tmp_path / "spans.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert imported(tmp_path / "spans.jsonl")[0] == imported(HERE / "openinference.json")[0]


def test_other_services_and_spans_of_no_model(tmp_path: Path) -> None:
    llm = {"openinference.span.kind": "LLM", "input.value": "U", "output.value": "A"}
    http = span("h", {"http.method": "GET"}, "gone")
    alone = span("o", {"db.system": "x"}) | {"traceId": "other"}
    (trace,), unmapped = imported(tmp_path / "s.json", span("a", llm), http, alone, span("a", llm), {"name": "x"})
    assert [one.name for one in trace.steps] == ["nh"]
    assert trace.calls[0].replies[0].message["content"] == "A"
    assert sorted(one.reason for one in unmapped) == ["doubled", "no-id", "no-model-trace", "no-parent", "no-place"]


def test_numbers_that_are_none_and_times_that_are_none(tmp_path: Path) -> None:
    attributes = {"openinference.span.kind": "LLM", "llm.token_count.prompt": float("nan"), "llm.model_name": "\ud800",
                  "input.value": "U", "llm.invocation_parameters": '{"seed": 99999999999999999999}'}  # fmt: skip
    (trace,), unmapped = imported(tmp_path / "s.json", span("a", attributes, startTimeUnixNano="soon"))
    (call,) = trace.calls
    assert (call.usage.input_tokens, call.model, call.params) == (0, "\\ud800", {"seed": "99999999999999999999"})
    assert call.started == 0
    assert {one.reason for one in unmapped} == {"no-number", "no-unicode", "no-time"}
