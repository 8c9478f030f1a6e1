from __future__ import annotations

from random import Random
from typing import Any

from langchain_core.tools import tool

from langdistill.filters.no_schema_drift import no_schema_drift
from langdistill.groups import Group
from langdistill.records import Example, Verdict
from tests.filters.agents import calls, offers, row, said

OLD = offers("book", flight={"type": "string"})
NEW = offers("book", flight={"type": "string"}, seats={"type": "integer"})
LOOSE = {"type": "function", "function": {"name": "book", "parameters": {"type": "object"}}}
PAY = offers("pay")


def one(at: float, *tools: dict[str, Any], arguments: str = '{"flight": "A"}', system: str = "") -> Example:
    messages = [{"role": "system", "content": system}] if system else []
    return row(said(None, calls("book", arguments)), tools=list(tools), at=at, messages=messages)


def over(filter: Any, *rows: Example) -> list[tuple[bool | None, str]]:
    return [(verdict.keep, verdict.reason) for verdict in verdicts(filter, *rows)]


def verdicts(filter: Any, *rows: Example) -> list[Verdict]:
    return list(filter.over([Group(f"p{at}", rows=(one,)) for at, one in enumerate(rows)]))


def test_the_newest_schema_is_the_current_one() -> None:
    rows = [one(1, OLD), one(3, NEW), one(2, OLD, PAY), one(2.5, NEW), one(2, PAY)]
    told = [
        (False, "tool-changed"),
        (True, "current"),
        (False, "tool-changed"),
        (True, "current"),
        (True, "current"),
    ]
    assert over(no_schema_drift(), *rows) == told
    order = list(range(5))
    Random(1).shuffle(order)
    assert over(no_schema_drift(), *(rows[at] for at in order)) == [told[at] for at in order]
    assert verdicts(no_schema_drift(), *rows)[0].evidence == {"tools": ["book"]}


def test_rows_whose_calls_still_fit() -> None:
    rows = [one(1, NEW, arguments='{"flight": "A", "seats": 1}'), one(1, OLD), one(2, NEW)]
    rows += [one(1.5, LOOSE, arguments='{"flight": "A", "seats": 2}')]
    assert over(no_schema_drift(), *rows)[3] == (False, "tool-changed")
    assert over(no_schema_drift(keep_valid=True), *rows) == [
        (True, "current"),
        (False, "tool-changed"),
        (True, "current"),
        (True, "still-valid"),
    ]


def test_what_describes_is_no_rule_unless_asked() -> None:
    said_otherwise = offers("book", "Book it.", flight={"type": "string", "description": "Its number", "title": "F"})
    rows = [one(1, OLD), one(2, said_otherwise)]
    assert over(no_schema_drift(), *rows) == [(True, "current")] * 2
    assert over(no_schema_drift(descriptions=True), *rows) == [(False, "tool-changed"), (True, "current")]
    named = [one(1, offers("book", description={"type": "string"})), one(2, offers("book", title={"type": "string"}))]
    assert over(no_schema_drift(), *named)[0] == (False, "tool-changed")  # properties of these names are rules


def test_times_that_do_not_tell() -> None:
    rows = [one(0, OLD), one(0, NEW), one(0, PAY)]
    assert over(no_schema_drift(), *rows) == [(None, "no-order"), (None, "no-order"), (True, "current")]
    assert over(no_schema_drift(), *rows, one(1, NEW))[:2] == [(False, "tool-changed"), (True, "current")]
    fits_both = one(0, OLD, arguments='{"flight": "A", "seats": 1}')
    assert over(no_schema_drift(keep_valid=True), fits_both, *rows)[:2] == [(True, "current"), (None, "no-order")]


def test_the_agents_tools_as_they_are_now() -> None:
    @tool
    def book(flight: str) -> str:
        """Book."""
        return flight

    rows = [one(1, OLD), one(2, NEW), one(3, OLD, PAY)]
    for current in ([book], [OLD]):
        assert over(no_schema_drift(current=current), *rows) == [
            (True, "current"),
            (False, "tool-changed"),
            (False, "tool-gone"),
        ]
    assert over(no_schema_drift(current=[OLD], keep_valid=True), *rows)[2] == (True, "still-valid")
    assert over(no_schema_drift(current=[PAY], keep_valid=True), *rows)[2] == (False, "tool-gone")


def test_system_prompts() -> None:
    rows = [
        one(1, OLD, system="Be kind. Today is 3 May 2025."),
        one(2, OLD, system="Be brief. Today is 1 June 2025."),
        one(3, OLD, system="Be brief. Today is 12 July 2026."),
        one(1, PAY, system="Be kind."),
    ]
    assert over(no_schema_drift(), *rows) == [(True, "current")] * 4
    assert over(no_schema_drift(prompts=True), *rows) == [
        (False, "prompt-changed"),
        (True, "current"),
        (True, "current"),
        (True, "current"),
    ]


def test_some_rows_of_a_problem() -> None:
    [verdict] = no_schema_drift().over([Group("p", rows=(one(1, OLD), one(2, NEW)))])
    assert (verdict.keep, verdict.dropped) == (True, {0: "tool-changed"})
