from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.novel import novel
from langdistill.groups import Group
from langdistill.records import Example
from langdistill.similarity.rouge_l import any_script, rouge_l

LIMIT = ("a b c d e f g x y z", "a b c d e f g p q r")
"""ROUGE-L is 0.7."""


def group(at: int, *questions: str) -> Group:
    def row(question: str) -> Example:
        prompt: Any = [{"role": "system", "content": "You are kind."}, {"role": "user", "content": question}]
        return Example(messages=prompt, target=[{"role": "assistant", "content": "4"}], problem=f"p{at}", trace="t")

    return Group(f"p{at}", rows=tuple(map(row, questions)))


def said(judge: Any, *questions: str) -> list[Any]:
    return [
        (one.keep, one.reason, one.score, one.evidence)
        for one in judge.over([group(at, one) for at, one in enumerate(questions)])
    ]


def test_against_a_pool_and_what_stayed() -> None:
    judge = novel(["Name three primary colours.", "Sort a list of numbers."])
    assert said(
        judge, "Name three primary colors.", "Translate the poem.", "Translate the poem now.", "Sort a list of numbers"
    ) == [
        (False, "not-novel", 0.75, {"pool": 0, "rouge_l": 0.75}),
        (True, "novel", None, {}),
        (False, "not-novel", 6 / 7, {"repeats": "p1", "rouge_l": 6 / 7}),
        (False, "not-novel", 1.0, {"pool": 1, "rouge_l": 1.0}),
    ]
    alone = novel(["Name three primary colours."], among=False)
    assert [keep for keep, *_ in said(alone, "Translate the poem.", "Translate the poem.")] == [True, True]
    assert [keep for keep, *_ in said(novel(), "Translate the poem.", "Translate the poem.")] == [True, False]


def test_the_limit_of_the_paper_and_that_of_its_code() -> None:
    """The paper keeps what is below 0.7, the published code drops what is above: they differ at 0.70 exactly."""
    assert [keep for keep, *_ in said(novel([LIMIT[0]]), LIMIT[1])] == [False]
    assert [keep for keep, *_ in said(novel([LIMIT[0]], strict=False), LIMIT[1])] == [True]
    above = LIMIT[1].replace("r", "z")
    assert rouge_l(LIMIT[0], above) == 0.8
    assert [keep for keep, *_ in said(novel([LIMIT[0]], strict=False), above)] == [False]


def test_a_row_that_was_dropped_is_not_compared_with() -> None:
    chain = ["a b c d e f g h i j", "a b c d e f g h x y", "a b c d e z w v x y"]
    assert rouge_l(chain[1], chain[2]) == 0.7
    assert [keep for keep, *_ in said(novel(), *chain)] == [True, False, True]


def test_rows_of_one_problem() -> None:
    [verdict] = novel().over([group(0, "Sort the list.", "Sort the list!", "Name a colour.")])
    assert (verdict.keep, verdict.dropped) == (True, {1: "not-novel"})


def test_what_the_tokens_do_not_hold_cannot_be_judged() -> None:
    chinese = ["用 Python 寫一個排序函數然後解釋", "用 Python 讀一個檔案然後計算行數"]
    assert [(keep, reason) for keep, reason, *_ in said(novel(), *chinese, "")] == [(None, "illegible")] * 3
    assert [keep for keep, *_ in said(novel(tokens=any_script), chinese[0], chinese[1], chinese[0])] == [
        True,
        True,
        False,
    ]


def test_what_is_compared_can_be_chosen() -> None:
    judge = novel(["4 four"], rouge_l=0.5, text=lambda row: str(row.target[0]["content"]))
    assert [score for _, _, score, _ in said(judge, "What is 2+2?")] == [2 / 3]


def test_a_pool_is_read_from_files_and_told_by_its_content(tmp_path: Path) -> None:
    texts = ["Name a colour.", "Sort: 3 1 2"]
    alpaca = [
        {"instruction": "Name a colour.", "input": "", "output": "red"},
        {"instruction": "Sort: 3 1 2", "output": "1"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(alpaca))
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, texts)))
    (tmp_path / "c.txt").write_text("\n\n".join(texts))
    judges = [novel(texts), *(novel(tmp_path / name) for name in ("a.json", "b.jsonl", "c.txt"))]
    assert len({json.dumps(judge.params) for judge in judges}) == 1
    assert judges[0].params["pool"]["texts"] == 2
    assert novel(texts[:1]).params != judges[0].params
    assert judges[0].params["rouge_l"] == 0.7


def test_the_same_through_any_order_of_calls(data: Path) -> None:
    rows = json.loads((data / "svamp" / "SVAMP.json").read_text())[:300]
    groups = [group(at, f"{row['Body']} {row['Question']}") for at, row in enumerate(rows)]
    judge = novel([row["Body"] for row in rows[:50]])
    first, second = list(judge.over(groups)), list(judge.over(iter(groups[:0]))) or list(judge.over(groups))
    assert first == second
    assert judge(groups[0]) == first[0]


@pytest.mark.parametrize("threshold", [0, 1.2, -0.7])
def test_a_threshold_that_is_none(threshold: float) -> None:
    with pytest.raises(DatasetError, match="no similarity"):
        novel(rouge_l=threshold)
