from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.no_near_duplicates import no_near_duplicates
from langdistill.groups import Group
from langdistill.records import Example

STORY = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."


def group(at: int, *questions: str, answer: str = "") -> Group:
    def row(question: str) -> Example:
        prompt: Any = [
            {"role": "system", "content": "Think step by step. " * 20},
            {"role": "user", "content": question},
        ]
        return Example(messages=prompt, target=[{"role": "assistant", "content": answer}], problem=f"p{at}", trace="t")

    return Group(f"p{at}", rows=tuple(map(row, questions)))


def test_the_first_stays_and_the_rest_is_compared_with_what_stayed() -> None:
    other = "A robe takes 2 bolts of blue fiber and half that much white fiber."
    groups = [
        group(0, STORY),
        group(1, STORY.replace("48", "50") + " How many?"),
        group(2, other),
        group(3, STORY.upper()),
    ]
    said = [(one.keep, one.reason, one.evidence) for one in no_near_duplicates().over(groups)]
    score = 38 / 42
    assert said == [
        (True, "first", {}),
        (False, "near-duplicate", {"repeats": "p0", "rouge_l": score}),
        (True, "first", {}),
        (False, "near-duplicate", {"repeats": "p0", "rouge_l": 1.0}),
    ]
    assert [one.keep for one in no_near_duplicates(0.95).over(groups)] == [True, True, True, False]


def test_prompt_and_target_are_compared_unless_told_otherwise() -> None:
    groups = [group(0, "What is it?", answer=STORY), group(1, "What is it?", answer="A robe takes 2 bolts.")]
    assert [one.keep for one in no_near_duplicates().over(groups)] == [True, True]
    by_question = no_near_duplicates(text=lambda row: str(row.messages[-1]["content"]))
    assert [one.keep for one in by_question.over(groups)] == [True, False]


def test_rows_of_one_problem() -> None:
    [said] = no_near_duplicates().over([group(0, STORY, STORY + " How many?", "A robe takes 2 bolts.", "?!")])
    assert (said.keep, said.dropped) == (True, {1: "near-duplicate"})
    assert said.evidence["gone"] == {"1": {"repeats": "p0", "rouge_l": 40 / 42}}


def test_other_scripts_and_what_cannot_be_judged() -> None:
    groups = [group(0, "我有三個蘋果和兩個梨"), group(1, "我有三個蘋果和兩個桃"), group(2, "?!"), group(3, "?!")]
    assert [one.reason for one in no_near_duplicates().over(groups)] == [
        "first",
        "near-duplicate",
        "illegible",
        "illegible",
    ]


def test_by_jaccard() -> None:
    text = " ".join(f"w{at}" for at in range(50))
    groups = [group(0, text), group(1, text + " end"), group(2, text[:90])]
    assert [one.evidence for one in no_near_duplicates(jaccard=0.8).over(groups)] == [
        {},
        {"repeats": "p0", "jaccard": 46 / 47},
        {},
    ]


def test_variants_of_real_questions(data: Path) -> None:
    """SVAMP's thousand questions are variants of one another; one more stays than where no pair is missed."""
    from langdistill.filters.novel import novel
    from langdistill.similarity.rouge_l import any_script

    rows = json.loads((data / "svamp" / "SVAMP.json").read_text())
    groups = [group(at, f"{row['Body']} {row['Question']}") for at, row in enumerate(rows)]
    near = [bool(one.keep) for one in no_near_duplicates().over(groups)]
    exact = [bool(one.keep) for one in novel(tokens=any_script).over(groups)]
    assert (sum(near), sum(exact)) == (442, 441)
    assert sum(one != other for one, other in zip(near, exact, strict=True)) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rouge_l": 0}, "no similarity"),
        ({"jaccard": 1.5}, "no similarity"),
        ({"rouge_l": 0.7, "jaccard": 0.8}, "one of them"),
    ],
)
def test_settings_that_are_none(settings: dict[str, float], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        no_near_duplicates(**settings)


def test_its_settings_are_told() -> None:
    assert no_near_duplicates().params == {"rouge_l": 0.7, "jaccard": None, "text": "whole", "tokens": "any_script"}
    assert no_near_duplicates(jaccard=0.8).params["rouge_l"] is None
