from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from langdistill.records import Feedback, Interrupt, Step, ToolRun, Trace
from langdistill.stores.exporting import write_jsonl
from tests.stores.importers.conftest import Came
from tests.stores.importers.shapes import OWN

FORMAT = "langdistill"


def test_what_was_exported_comes_back_as_it_was(tmp_path: Path) -> None:
    full = OWN.model_copy(
        update={
            "id": "full",
            "source": "otel",
            "steps": [Step(name="a", started=1.5)],
            "tool_runs": [ToolRun(id="t", name="look", arguments={"a": [1, None]}, error="late")],
            "interrupts": [Interrupt(id="i", value={"sure": True})],
            "feedback": [Feedback(score=0.5, comment="né\u2028")],
            "outcome": "interrupted",
            "metadata": {"problem": "p", "deep": {"a": [1.5]}},
        }
    )
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(trace.model_dump_json(exclude_defaults=True) + "\n" for trace in (OWN, full)))
    found = Came(FORMAT, path)
    assert found.traces == [OWN, full]
    assert not found.unmapped


@pytest.mark.parametrize(
    ("row", "reason", "said"),
    [
        ({"name": "g"}, "no-trace", "id: Field required"),
        ({"id": "a", "nmae": "g"}, "no-trace", "nmae: Extra inputs"),
        ({"id": "a", "version": 99}, "other-version", "version 99; 2 is known"),
        ({"id": "a", "calls": [{"id": 5}]}, "no-trace", "calls.0.id"),
        ("text", "wrong-type", "The row is a text"),
        (None, "wrong-type", "The row is null"),
    ],
)
def test_a_line_that_is_no_trace_is_told(came: Callable[..., Came], row: object, reason: str, said: str) -> None:
    found = came(FORMAT, {"id": "a"}, row, {"id": "b"})
    assert found.traces == [Trace(id="a"), Trace(id="b")]
    [one] = found.unmapped
    assert (one.where, one.reason) == ("f.json, row 2", reason)
    assert said in one.detail


def test_what_no_other_file_may_hold_comes_back_exactly(tmp_path: Path) -> None:
    odd = Trace(id="odd", answer="half \ud83d", metadata={"nul": "a\x00b", "big": 10**30, "deep": [[[["\udc00"]]]]})
    path = tmp_path / "traces.jsonl"
    assert write_jsonl([odd, Trace(id="even")], path) == 2
    found = Came(FORMAT, path)
    assert found.traces == [odd, Trace(id="even")]
    assert not found.unmapped


@pytest.mark.parametrize(
    ("said", "outcome"), [({}, "ended"), ({"interrupted": True}, "interrupted"), ({"error": "no"}, "failed")]
)
def test_a_line_of_version_1_is_read(came: Callable[..., Came], said: dict[str, object], outcome: str) -> None:
    found = came(FORMAT, {"id": "old", "version": 1, "name": "g"} | said)
    [trace] = found.traces
    assert (trace.id, trace.outcome, trace.version, trace.error) == ("old", outcome, 2, said.get("error"))
