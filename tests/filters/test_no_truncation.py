from __future__ import annotations

from typing import Any

import pytest

from langdistill.filters.no_truncation import no_truncation
from langdistill.records import Call, Reply, Trace
from tests.filters.agents import calls, judged, row, said, user


def run(*replies: tuple[str, str | None], partial: bool = False, **fields: Any) -> Trace:
    made = [
        Call(id=f"c{at}", replies=[Reply(message=said(text), finish_reason=why, partial=partial)])  # type: ignore[arg-type]
        for at, (text, why) in enumerate(replies)
    ]
    return Trace(id="t", calls=made, **fields)


@pytest.mark.parametrize(
    ("reason", "keep", "told"),
    [
        ("stop", True, "finished"),
        ("end_turn", True, "finished"),
        ("STOP", True, "finished"),
        ("tool_calls", True, "finished"),
        ("length", False, "length-limit"),
        ("max_tokens", False, "length-limit"),
        ("MAX_TOKENS", False, "length-limit"),
        ("2", False, "length-limit"),
        ("content_filter", False, "content-filter"),
        (None, True, "no-finish-reason"),
    ],
)
def test_finish_reasons(reason: str | None, keep: bool, told: str) -> None:
    found = judged(no_truncation(), row(said("So")), run(("Other", "length"), ("So", reason)))
    assert (found.keep, found.reason) == (keep, told)


def test_what_is_not_known() -> None:
    for traces in ((), (run(("So", None)),), (run(("Other", "length")),)):
        assert judged(no_truncation(), row(said("So")), *traces).keep is True
        found = judged(no_truncation(strict=True), row(said("So")), *traces)
        assert (found.keep, found.reason) == (None, "no-finish-reason")


def test_partial_replies_and_every_turn_of_the_target() -> None:
    assert judged(no_truncation(), row(said("So")), run(("So", None), partial=True)).reason == "partial"
    both = run(("One", "length"), ("Two", "stop"))
    assert judged(no_truncation(), row(said("One"), user("?"), said("Two")), both).reason == "length-limit"
    assert judged(no_truncation(), row(said("Two")), both).reason == "finished"


def test_the_reply_of_the_rows_own_call() -> None:
    cleaned = row(said("So, shortened"), call="c0")
    assert judged(no_truncation(), cleaned, run(("So it is, at length", "length"))).reason == "length-limit"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("See:\n```python\nprint(1)\n```\nDone.", "no-finish-reason"),
        ("See:\n```python\nprint(1)", "open-fence"),
        ("````\n```\n````", "no-finish-reason"),
        ("````\n```", "open-fence"),
        ("~~~\n```\n~~~", "no-finish-reason"),
        ("Use ``` as a fence.", "no-finish-reason"),
        ("```inline``` code", "no-finish-reason"),
        ('{"a": [1, 2]}', "no-finish-reason"),
        ('{"a": [1, 2', "open-json"),
        ('{"a": "x', "open-json"),
        ('{"a": "x\\"}', "open-json"),
        ('{"a": "}"}', "no-finish-reason"),
        ("{", "open-json"),
        ("[1] is the source, and so is [2", "no-finish-reason"),
    ],
)
def test_shapes(text: str, reason: str) -> None:
    assert judged(no_truncation(shape=True), row(said(text))).reason == reason
    assert judged(no_truncation(), row(said(text))).keep is True


def test_tool_calls_that_were_cut() -> None:
    cut = row(said(None, calls("look", '{"city": "Os')))
    assert judged(no_truncation(shape=True), cut).reason == "open-json"
    assert judged(no_truncation(shape=True), row(said(None, calls("look", '{"city": "Oslo"}')))).keep is True
