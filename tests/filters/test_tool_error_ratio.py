from __future__ import annotations

from typing import Any

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.tool_error_ratio import tool_error_ratio
from langdistill.records import Call, ToolRun, Trace
from tests.filters.agents import calls, judged, result, row, said


def used(*results: str, arguments: str = "{}") -> Any:
    target = [one for at, text in enumerate(results) for one in (said(None, calls("look", arguments, f"c{at}")), result(text, f"c{at}"))]  # fmt: skip
    return row(*target, said("done"))


@pytest.mark.parametrize(
    ("results", "score"),
    [
        (["seen"], 0.0),
        (["Error: no such thing"], 1.0),
        (["seen", "Error invoking tool 'look'"], 0.5),
        (["ValueError: x"], 1.0),
        (["requests.exceptions.HTTPError('404')"], 1.0),
        (["Traceback (most recent call last):\n  File"], 1.0),
        (['{"error": "no city", "response": ""}'], 1.0),
        (['{"error": "", "response": "rain"}'], 0.0),
        (["Errors were found in 3 files."], 0.0),
        (["The error is 0.1 %."], 0.0),
        (["{broken"], 0.0),
    ],
)
def test_results_that_tell_an_error(results: list[str], score: float) -> None:
    found = judged(tool_error_ratio(0.5), used(*results))
    assert (found.score, found.keep) == (score, score <= 0.5)


def test_recorded_errors_count_whatever_the_result_says() -> None:
    runs = [ToolRun(id="r", name="look", tool_call_id="c0", error="ValueError()")]
    found = judged(tool_error_ratio(), used("handled", "seen", "seen"), Trace(id="t", tool_runs=runs))
    assert (found.keep, found.evidence["errors"], found.evidence["runs"]) == (True, 1, 3)


def test_no_tool_counts_as_a_half() -> None:
    empty = Trace(id="t")
    assert (judged(tool_error_ratio(), row(said("4")), empty).keep, 0.5) == (True, 0.5)
    found = judged(tool_error_ratio(0.4), row(said("4")), empty)
    assert (found.keep, found.reason, found.score) == (False, "no-tools", 0.5)
    assert judged(tool_error_ratio(), row(said("4"))).keep is None


def test_malformed_calls_add_up() -> None:
    found = judged(tool_error_ratio(), used("Error: arguments", "Error: arguments", arguments="{x"))
    assert (found.score, found.keep) == (2.0, False)


def test_a_run_without_calls_in_its_target_counts_its_tool_runs() -> None:
    runs = [
        ToolRun(id="a", name="n", call=0, output={"role": "tool", "content": "Error: x"}),
        ToolRun(id="b", name="n", call=1),
    ]
    trace = Trace(id="t", calls=[Call(id="c0"), Call(id="c1")], tool_runs=runs)
    assert judged(tool_error_ratio(), row(said("4")), trace).score == 0.5
    assert judged(tool_error_ratio(), row(said("4"), call="c0"), trace).score == 1.0
    assert judged(tool_error_ratio(), row(said("4"), call="c1"), trace).score == 0.0


def test_no_share() -> None:
    with pytest.raises(DatasetError, match="no share"):
        tool_error_ratio(3)


@pytest.mark.parametrize("id", ["call_0", None])
def test_a_result_belongs_to_the_call_before_it_where_ids_come_again_or_are_not_there(id: str | None) -> None:
    one = {"id": id} if id else {}
    call = {"type": "function", "function": {"name": "look", "arguments": "{}"}, **one}
    results = ("Error: x", "seen", "Error: y", "seen")
    target = [message for text in results for message in (said(None, call), result(text, id))]
    both = [said(None, call, call), result("Error: z", id), result("seen", id)]
    runs = [ToolRun(id=text, name="look", tool_call_id=id, output=text) for text in results]
    for traces in ((), (Trace(id="t", tool_runs=runs),)):
        found = judged(tool_error_ratio(), row(*target, *both, said("done")), *traces)
        assert (found.keep, found.evidence["errors"], found.evidence["runs"]) == (True, 3, 6)
