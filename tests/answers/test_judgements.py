from __future__ import annotations

import pytest

from langdistill.answers import grade, grades, outlook, selection


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


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("A is right.\nScore of A: 8\nScore of B: 6.5", (8, 6.5)),
        ("Score of B: 6\nScore of A: 8", (8, 6)),
        ("**Score of A:** 8/10\n**Score of B:** 7/10", (8, 7)),
        ("The score of Assistant 1: 9\nThe score of Assistant 2: 10", (9, 10)),
        ("Score for response A is 4. Score for response B is 5.", (4, 5)),
        ("At first: Score of A: 3\nScore of B: 3\nIn the end: Score of A: 4\nScore of B: 5", (4, 5)),
        ("8 6.5\nA is better.", (8, 6.5)),
        ("8, 9", (8, 9)),
        ("Score of A: 8", None),
        ("Score of A: 8\nScore of B: none", None),
        ("Score of A: 4/5\nScore of B: 3/5", None),
        ("Score of A: 8\nScore of B: 11", None),
        ("Score of A: 0\nScore of B: 5", None),
        ("-1 -1", None),
        ("8 9 7", None),
        ("9 8\nScore of A: 4", None),
        ("", None),
    ],
)
def test_grades_of_two(text: str, pair: tuple[float, float] | None) -> None:
    assert grades(text) == pair


def test_a_scale_of_ones_own() -> None:
    assert grades("Score of A: 4/5\nScore of B: 5", out_of=5) == (4, 5)
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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("47 is right.\nJudgement: sure", "sure"),
        ("**Judgment:** Likely.", "likely"),
        ("Judgement: sure? No.\nJudgement: impossible", "impossible"),
        ("The steps hold.\n\nimpossible", "impossible"),
        ("Sure.", "sure"),
        ("**likely**", "likely"),
        ("It is likely that Monday is right, and Tuesday is not.", None),
        ("Judgement: unlikely", None),
        ("Judgement: not sure", None),
        ("not likely", None),
        ("", None),
    ],
)
def test_outlooks(text: str, told: str | None) -> None:
    assert outlook(text) == told
