from __future__ import annotations

import pytest

from langdistill.answers import grade, selection


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("It is right.\nScore: 7", 7),
        ("**Score:** 8/10", 8),
        ("**Score: 8.5**", 8.5),
        ("Rating = 9 out of 10", 9),
        ("The score is 6.", 6),
        ("First I thought of score: 3, then\nScore: 4", 4),
        ("Good.\n\nRating: [[5]]", 5),
        ("10", 10),
        ("7/10", 7),
        ("Score: 3/5", None),
        ("Score: 11", None),
        ("Score: 0", None),
        ("Score: -3", None),
        ("I give a score from 1-10 later", None),
        ("Score: 1-10", None),
        ("Scores: A=4 B=2", None),
        ("A text for grade 5 pupils.", None),
        ("**Score**: 2", 2),
        ("It scored well in 1999.", None),
        ("", None),
    ],
)
def test_grades(text: str, value: float | None) -> None:
    assert grade(text) == value


def test_a_scale_of_ones_own() -> None:
    assert (grade("Score: 4/5", out_of=5), grade("Score: 6", out_of=5)) == (4, None)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("Response 2", 1),
        ("Response 1 is short. Most consistent: response #3", 2),
        ("none", None),
        ("Response 9", None),
        ("Response 2, not Response 9", 1),
        ("", None),
    ],
)
def test_selections(text: str, index: int | None) -> None:
    assert selection(text, 3) == index
