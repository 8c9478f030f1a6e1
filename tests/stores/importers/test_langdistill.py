from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from langdistill.records import Feedback, Interrupt, Step, ToolRun, Trace
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
