from __future__ import annotations

import json
from pathlib import Path

import pytest

from langdistill.answers import final_answer, normalise, same


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("nk", "nk"),
        ('The last letter of "Ann" is "n".\nAnswer: "nk"', "nk"),
        ("Answer: 3\nNo, wait.\nAnswer: 4.", "4"),
        ("So the answer is 18 apples.", "18 apples"),
        (r"Hence \boxed{42}. Answer: 41", "42"),
        ("**Answer:** yes", "yes"),
        ("Final answer: tie", "tie"),
        ("", None),
        ("Answer:", None),
        ("Answer:\n", None),
        ('""', None),
        ("a long text that goes on and on " * 5, None),
        ("two\nlines", None),
    ],
)
def test_final_answer(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("NK", ' "nk". ', True),
        ("1,234.50", "$1234.5", True),
        ("18", "180", False),
        ("50%", "50", False),
        ("-3", "3", False),
        ("+3", "3", True),
        ("Yes", "yes!", True),
        ("New  York", "new york", True),
        (None, None, False),
        ("a", None, False),
        ("0.10", "0.1", True),
        ("100", "1", False),
    ],
)
def test_same(one: str | None, other: str | None, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_normalise_is_idempotent() -> None:
    for answer in ['"A b"', "1,000.00", "+5", "50.0%", "..", "x"]:
        assert normalise(normalise(answer)) == normalise(answer)


@pytest.mark.parametrize(
    "file", ["last_letter_concatenation_refined_combine", "last_letter_concatenation4_refined_combine"]
)
def test_real_one_step_responses_hold_the_recorded_answer(data: Path, file: str) -> None:
    """GPT-4's responses, logged by the authors of Rephrase and Respond, read by the one extractor.

    They were graded by hand after a substring match, so what is read here must reach most of the stored answers, not all.
    """
    rows = [json.loads(line) for line in (data / f"rar/log_gpt-4_1step/{file}_response.json").read_text().splitlines()]
    marked = [row for row in rows if "nswer:" in row["response"] or "answer is" in row["response"]]
    assert len(rows) >= 200
    read = [final_answer(row["response"]) for row in marked]
    assert all(answer is not None for answer in read)
