"""What is one answer, what is two, and what no text can do to the readers."""

from __future__ import annotations

import random
import time

import pytest

from langdistill.answers import (
    Extract,
    choice,
    code_block,
    final_answer,
    free_text,
    json_answer,
    letters,
    normalise,
    number,
    same,
    verdict,
    yes_no,
)

KINDS = [choice, code_block, final_answer, free_text, json_answer, letters, normalise, number, verdict, yes_no]


@pytest.mark.parametrize(
    "spellings",
    [
        ["1/2", "0.5", ".5", "0.50", "2/4", "$0.5", "(1/2)"],
        ["1,234.5", "1234.50", "$1,234.5", "+1234.5"],
        ["−3", "-3", "-3.0"],
        ["(B)", "B", "b.", "[[B]]", "**B**", "“b”"],
        ["50%", "50 %", "50.0%"],
        ["(3, 4]", " (3,  4] "],
        ["1/3", "2/6"],
    ],
)
def test_one_answer(spellings: list[str]) -> None:
    assert len({normalise(one) for one in spellings}) == 1


@pytest.mark.parametrize(
    "answers",
    [
        ["18", "180", "1.8", "-18", "18%"],
        ["1/2", "12", "1,2", "01/02", "1/2/3", "0.12"],
        ["50%", "50", "0.5"],
        ["01/02/2003", "1/2/2003", "2003"],
        ["10:30", "1030", "10.30"],
        ["1.2.3", "123", "1.23"],
        ["555-1234", "5551234", "555"],
        ["007", "7"],
        [".5", "5"],
        ["(3, 4]", "[3, 4]", "(3, 4)", "[3, 4)", "3, 4"],
        ["$5", "€5"],
        ["1/3", "0.3333"],
        ["def f():\n    return X", "def f():\n    return x", "def f():\nreturn x"],
        ["1e3", "1000"],
        ["9" * 400, "9" * 401],
    ],
)
def test_different_answers(answers: list[str]) -> None:
    assert len({normalise(one) for one in answers}) == len(answers)


def test_no_answer_is_the_same_as_nothing() -> None:
    assert not same(None, None)
    assert not same("a", None)


def strings(count: int) -> list[str]:
    """Made of what answers are made of, so that rules meet."""
    chance = random.Random(7)
    parts = [
        *"aB0159 .,:;!()[]'\"%$/-+−\n*_",
        "1/2",
        "0.5",
        "1,000",
        "ß",
        "İ",
        "“",
        "½",
        "١",
        "\u00a0",
        "\u2028",
        "{}",
        "e5",
    ]
    return ["".join(chance.choices(parts, k=chance.randrange(1, 9))) for _ in range(count)]


def test_normalising_again_changes_nothing() -> None:
    for text in strings(50_000):
        once = normalise(text)
        assert normalise(once) == once, repr(text)


@pytest.mark.parametrize(
    "kind", [choice, json_answer, letters, number, verdict, yes_no], ids=lambda kind: kind.__name__
)
def test_an_answer_read_again_is_the_same_answer(kind: Extract) -> None:
    for text in strings(20_000):
        if (answer := kind(text)) is not None:
            assert kind(answer) == answer, repr(text)


def test_numbers_are_equal_exactly_when_their_values_are() -> None:
    values = [(top, bottom) for top in range(-12, 13) for bottom in range(1, 13)]
    for top, bottom in values:
        for other_top, other_bottom in values:
            equal = top * other_bottom == other_top * bottom
            assert (number(f"{top}/{bottom}") == number(rf"\frac{{{other_top}}}{{{other_bottom}}}")) == equal


HOSTILE = [
    " " * 10**6,
    "9" * 10**6,
    "\\" * 10**6,
    "answer" + " " * 10**6,
    "answer: a" + " " * 10**6 + "b",
    "answer is " * 10**5,
    "answer is\n" * 10**5,
    "answer:" + "\n" * 10**6,
    "\\boxed{" * 10**5,
    "\\boxed{" * 10**5 + "}" * 10**5,
    "\\text{" * 10**5,
    "\\frac{1}{" * 10**5,
    "(" * 10**6,
    "[" * 10**6,
    "{" * 10**6,
    "{\"a\":" * 10**5,
    "1," * 5 * 10**5,
    "1 1/" * 10**5,
    "1/" * 5 * 10**5,
    "1.1-" * 10**5,
    "a. " * 3 * 10**5,
    "n and " * 10**5,
    '"' * 10**6,
    "yes no " * 10**5,
    "```\n" * 10**5,
    "`" * 10**6,
    "A is better " * 10**5,
    "the word " * 10**5,
    "(A) not " * 10**5,
    "\u202e😀" * 10**5,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_text_takes_long(kind: Extract) -> None:
    """Each hostile text holds up to a million characters; the slowest takes a fifth of a second, a quadratic one hours."""
    for text in HOSTILE:
        started = time.process_time()
        kind(text)
        assert time.process_time() - started < 20, repr(text[:20])
