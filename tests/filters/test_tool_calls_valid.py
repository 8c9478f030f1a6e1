from __future__ import annotations

import socket
from typing import Any

import pytest

from langdistill.filters.tool_calls_valid import tool_calls_valid
from tests.filters.agents import calls, judged, offers, result, row, said, user

LOOK = offers("look", x={"type": "integer", "minimum": 0})


@pytest.mark.parametrize(
    ("target", "keep", "reason"),
    [
        ([said("4")], True, "no-calls"),
        ([said(None, calls("look", '{"x": 1}'))], True, "valid"),
        ([said(None, calls("look", '{"x": 1}'), calls("look", '{"x": 2}', "c2"))], True, "valid"),
        ([said(None, calls("look", '{"x": 1}')), result("4"), said("4")], True, "valid"),
        ([said(None, calls("look", '{"x": 1}')), result("Error: none"), said("None.")], True, "valid"),
        ([said(None, calls("find", '{"x": 1}'))], False, "unknown-tool"),
        ([said(None, calls(None, '{"x": 1}'))], False, "unknown-tool"),
        ([said(None, calls("look", '{"x": "1"}'))], False, "bad-arguments"),
        ([said(None, calls("look", "{}"))], False, "bad-arguments"),
        ([said(None, calls("look", '{"x": -1}'))], False, "bad-arguments"),
        ([said(None, calls("look", '{"x": 1'))], False, "bad-arguments"),
        ([said(None, calls("look", "[1]"))], False, "bad-arguments"),
        ([said(None, calls("look", '{"x": NaN}'))], False, "bad-arguments"),
        ([said(None, calls("look", {"x": 1}))], True, "valid"),
        ([said(None, calls("look", '{"x": 1}', ""))], False, "missing-id"),
        ([said(None, calls("look", '{"x": 1}'), calls("look", '{"x": 1}'))], False, "doubled-id"),
        (
            [said(None, calls("look", '{"x": 1}')), result("4"), said(None, calls("look", '{"x": 1}')), result("4")],
            False,
            "doubled-id",
        ),
        ([said(None, calls("look", '{"x": 1}')), result("4", "c9"), said("4")], False, "orphan-result"),
        ([said(None, calls("look", '{"x": 1}')), result("4", None), said("4")], False, "orphan-result"),
        ([said(None, calls("look", '{"x": 1}')), result("4"), result("4"), said("4")], False, "orphan-result"),
        ([said("4"), result("4"), said("4")], False, "orphan-result"),
        ([said(None, calls("look", '{"x": 1}')), said("4")], False, "unanswered-call"),
        ([said(None, calls("look", '{"x": 1}')), user("?"), result("4"), said("4")], False, "unanswered-call"),
        (
            [said(None, calls("look", '{"x": 1}'), calls("look", '{"x": 1}', "c2")), result("4", "c2"), said("4")],
            False,
            "unanswered-call",
        ),
        ([said("I look."), user("Do."), said(None, calls("look", '{"x": 1}'))], False, "unanswered-call"),
    ],
)
def test_verdicts(target: list[Any], keep: bool, reason: str) -> None:
    found = judged(tool_calls_valid(), row(*target, tools=[LOOK]))
    assert (found.keep, found.reason) == (keep, reason)


def test_results_of_parallel_calls_come_in_any_order() -> None:
    both = said(None, calls("look", '{"x": 1}'), calls("look", '{"x": 2}', "c2"))
    assert judged(tool_calls_valid(), row(both, result("b", "c2"), result("a"), said("ab"), tools=[LOOK])).keep is True


def test_the_prompt_counts_for_order_and_not_for_schemas() -> None:
    before = [user("Q"), said(None, calls("gone", "nothing")), result("4")]
    assert judged(tool_calls_valid(), row(said("4"), messages=before, tools=[LOOK])).reason == "no-calls"
    assert judged(tool_calls_valid(), row(said("4"), messages=before[:2])).reason == "unanswered-call"
    again = row(said(None, calls("look", '{"x": 1}')), messages=before, tools=[LOOK])
    assert judged(tool_calls_valid(), again).reason == "doubled-id"


def test_what_cannot_be_judged() -> None:
    one = said(None, calls("look", '{"x": 1}'))
    assert judged(tool_calls_valid(), row(one)).reason == "no-schemas"
    assert judged(tool_calls_valid(), row(one)).keep is None
    for schema in ({"type": "dict"}, {"$ref": "#/nowhere"}, {"$ref": "https://example.com/schema.json"}):
        tools = [{"type": "function", "function": {"name": "look", "parameters": schema}}]
        found = judged(tool_calls_valid(), row(one, tools=tools))
        assert (found.keep, found.reason) == (None, "bad-schema")


def test_no_schema_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: asked.append(args))
    tools = [{"function": {"name": "look", "parameters": {"$ref": "http://localhost:9/s.json"}}}]
    assert judged(tool_calls_valid(), row(said(None, calls("look")), tools=tools)).keep is None
    assert not asked


def test_other_spellings_of_a_tool() -> None:
    one = row(said(None, calls("look", '{"x": "no"}')))
    schema = LOOK["function"]["parameters"]
    for tool in ({"name": "look", "parameters": schema}, {"name": "look", "input_schema": schema}):
        assert judged(tool_calls_valid(), one.model_copy(update={"tools": [tool]})).reason == "bad-arguments"
    assert judged(tool_calls_valid(), one.model_copy(update={"tools": [{"name": "look"}]})).reason == "valid"


def test_evidence_names_no_value() -> None:
    found = judged(tool_calls_valid(), row(said(None, calls("look", '{"x": "hunter2"}')), tools=[LOOK]))
    assert found.evidence == {"tool": "look", "arguments": "$.x: type"}
