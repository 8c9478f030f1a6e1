"""Brackets that are the answer, not what stands around it."""

from __future__ import annotations

import pytest

from langdistill.answers import brackets, same


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("] ) >", "$] ) >$"),
        ("])>", "$] ) >$"),
        ("So the answer is ] ) >.", "$] ) >$"),
        ("Answer: `} ]`", "$} ]$"),
        ("Answer:\n\n} ]\n", "$} ]$"),
        ("Answer: $] )$", "$] )$"),
        ("The answer is ). No, the answer is ].", "$]$"),
        ("(A)", None),
        ("Answer: (A)", None),
        ("] )\n} )", None),
        ("The rest is ] )", None),
        ("", None),
        ("Answer:", None),
    ],
)
def test_brackets(text: str, answer: str | None) -> None:
    assert brackets(text) == answer


def test_brackets_of_one_sequence_are_one_answer_and_others_are_not() -> None:
    assert same(brackets("] )"), brackets("Answer: ])"))
    assert not same(brackets("]"), brackets(")"))


def test_a_hostile_reply_costs_no_more() -> None:
    assert brackets("( " * 200_000 + "x") is None
