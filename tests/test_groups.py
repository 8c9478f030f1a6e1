from __future__ import annotations

import pytest

from langdistill.answers import json_answer
from langdistill.groups import Group, question_text
from langdistill.records import Example, Message, Trace, Verdict


def says(text: str | None) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def row(target: str, answer: str | None) -> Example:
    return Example(
        messages=[], target=says(target), answer=answer, problem="p", trace="t", model="m", call="c", margin=1.0
    )


def retargeted(one: Example, target: list[Message], group: Group) -> Example:
    changed = Group("p", rows=(one,), extract=group.extract)
    [left] = changed.after(Verdict(filter="f", keep=True, reason="r", targets={0: target})).rows
    return left


@pytest.mark.parametrize(
    ("old", "answer", "new", "expected"),
    [
        ("4", "4", "5", "5"),
        ("So.\nAnswer: 4", "4", "Thus.\nAnswer: 5", "5"),
        ("So.\nAnswer: 4", "4", "Thus.\nNo idea.", None),
        ("I call the tool.", None, "Answer: 5", None),
        ("4", "4", None, None),
    ],
)
def test_the_answer_follows_the_target(old: str, answer: str | None, new: str | None, expected: str | None) -> None:
    left = retargeted(row(old, answer), says(new), Group("p"))
    assert (left.target, left.answer) == (says(new), expected)
    assert (left.model, left.call, left.margin) == (None, None, None)


def test_an_answer_alone_is_one_whatever_reads_answers() -> None:
    left = retargeted(row("Rome", "Rome"), says("Paris"), Group("p", extract=json_answer))
    assert left.answer == "Paris"


def test_a_row_whose_target_stays_is_untouched() -> None:
    rows = row("4", "4"), row("5", "5"), row("6", "6")
    verdict = Verdict(filter="f", keep=True, reason="r", targets={0: says("7")}, dropped={1: "wrong"})
    left = Group("p", rows=rows).after(verdict).rows
    assert [one.answer for one in left] == ["7", "6"]
    assert left[1] is rows[2]


def test_what_a_run_was_asked() -> None:
    talk: list[Message] = [
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
        {"role": "assistant", "content": "Hm"},
    ]
    assert question_text(Trace(id="t", input=talk)) == "Why?"
    assert question_text(Trace(id="t")) == ""
