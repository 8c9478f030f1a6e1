from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langdistill.errors import AnswerError
from langdistill.perturbations.option_order import map_back, option_order, options_of, reorder
from langdistill.records import Problem

WORDS = st.text("abcdefgh ", min_size=1, max_size=12).map(str.strip).filter(bool)


def texts(question: str) -> list[str]:
    return [one.text for one in options_of(question)]


def letter_of(question: str, text: str) -> str:
    return next(one.letter for one in options_of(question) if one.text == text)


def real_questions(data: Path) -> list[tuple[str, str]]:
    """Multiple-choice questions with their gold letters, of BIG-Bench Hard, two sets of Reasoning Teacher, and AQuA."""
    found: list[tuple[str, str]] = []
    for path in sorted((data / "bbh/tasks").glob("*.json")):
        rows = json.loads(path.read_text())
        rows = rows if isinstance(rows, list) else rows["examples"]
        found += [(one["input"], one["target"]) for one in rows if one["target"][0] == "(" and len(one["target"]) == 3]
    for name in ("date_understanding", "tracking_shuffled_objects"):
        rows = json.loads((data / f"reasoning_teacher/dataset/{name}.json").read_text())
        found += [(one["question"], one["answer"]) for one in rows]
    rows = [json.loads(line) for line in (data / "pal/aqua.jsonl").read_text().splitlines()]
    return found + [(one["input"], one["target"]) for one in rows]


def test_every_real_question_is_reordered_and_its_gold_answer_comes_back(data: Path) -> None:
    asked = refused = 0
    for question, gold in real_questions(data):
        for seed in range(3):
            try:
                changed = reorder(question, Random(seed))
            except AnswerError:
                refused += 1
                continue
            asked += 1
            before = {one.letter: one.text for one in options_of(question)}
            right = before[gold.strip("()")]
            assert changed != question
            assert sorted(texts(changed)) == sorted(texts(question))
            told = gold.replace(gold.strip("()"), letter_of(changed, right))
            back = map_back(told, question, changed)
            assert back is not None
            assert before[back.strip("()")] == right
            assert back == gold or len(set(before.values())) < len(before)
    assert (asked, refused) == (16_326, 6)


@given(st.lists(WORDS, min_size=2, max_size=10, unique=True), st.integers(), st.sampled_from(["({}) ", "{}. ", "{}) "]))
@settings(deadline=None)
def test_any_options_come_back(options: list[str], seed: int, marker: str) -> None:
    lines = [marker.format(chr(65 + at)) + text for at, text in enumerate(options)]
    question = "Which one?\n" + "\n".join(lines)
    assert texts(question) == options
    changed = reorder(question, Random(seed))
    assert changed != question
    for one in options:
        assert map_back(letter_of(changed, one), question, changed) == letter_of(question, one)


LISTED = "Where? Answer choices: (A) in a bar, (B) at home, or (C) in town."


def test_a_list_in_a_sentence_keeps_its_commas_and_its_point() -> None:
    assert texts(LISTED) == ["in a bar", "at home", "in town"]
    changed = reorder(LISTED, Random(0))
    assert changed == "Where? Answer choices: (A) at home, (B) in town, or (C) in a bar."


@pytest.mark.parametrize(
    ("answer", "back"),
    [
        ("A", "B"),
        ("a", "b"),
        ("(B)", "(C)"),
        ("B) in town", "C) in town"),
        ("Option C", "Option A"),
        ("in town", "in town"),
        ("D", "D"),
        ("a bar", "a bar"),
    ],
)
def test_what_is_mapped_back(answer: str, back: str) -> None:
    assert map_back(answer, LISTED, reorder(LISTED, Random(0))) == back


def test_another_question_is_no_change_of_it() -> None:
    assert map_back("A", LISTED, LISTED.replace("bar", "car")) is None
    assert map_back("A", "Where?", "Where?") is None


def test_an_option_that_speaks_of_the_others_keeps_its_place() -> None:
    question = "Which?\n(A) one\n(B) two\n(C) three\n(D) None of the above"
    for seed in range(20):
        assert texts(reorder(question, Random(seed)))[3] == "None of the above"


@pytest.mark.parametrize(
    "question",
    [
        "What is 2 + 2?",
        "Which?\n(A) one",
        "Which?\n(A) one\n(B) one",
        "Which?\n(A) one\n(B) two\n(C) both (A) and (B)",
        "Which?\n(A) one\n(B) two\n(C) A and B",
        "Which?\n(A) one\nand more\n(B) two",
        "Which?\n(A) one\n(B) None of the above",
    ],
)
def test_what_cannot_be_reordered_says_so(question: str) -> None:
    with pytest.raises(AnswerError, match="option_order"):
        reorder(question, Random(0))


def test_the_call_that_asks_for_variants() -> None:
    problems = [Problem(id="a", question=LISTED), Problem(id="b", question="What is 2 + 2?")]
    family = option_order()
    one = family.problem(problems[0])
    assert one.metadata == {"problem": "a", "perturbation": "option_order"}
    assert one == family.problem(problems[0], seed=0), "the seed and the id decide the draw"
    assert {family.problem(problems[0], seed=seed).question for seed in range(30)} > {one.question}
    assert family.problems(problems) == [one]
    with pytest.raises(AnswerError):
        family.problem(problems[1])


@pytest.mark.parametrize(
    "hostile", ["(A)" * 50_000, "(A) x" + " ," * 50_000 + "z(B)", "(A) " + " " * 50_000 + "x (B) y", "A. " * 50_000]
)
def test_a_hostile_question_is_read_in_one_pass(hostile: str) -> None:
    assert len(options_of(hostile)) in {0, 2}
