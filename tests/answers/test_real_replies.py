"""What real models wrote, read and compared with the grades their authors stored. See docs/answers.md for the tables."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from langdistill.answers import leading, verdict

ROOT = Path(__file__).parents[2]
BENCHMARK: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks/answers.py"))


def accuracy(rows: list[Any]) -> float:
    return 100 * sum(row.right for row in rows) / len(rows)


@pytest.mark.parametrize("prompt", ["cot", "direct"])
@pytest.mark.parametrize("task", ["navigate", "object_counting", "snarks"])
def test_big_bench_hard_has_its_stored_accuracy(data: Path, task: str, prompt: str) -> None:
    rows, stored = BENCHMARK["bbh"](data, task, prompt)
    assert len(rows) == (178 if task == "snarks" else 250)
    assert accuracy(rows) == pytest.approx(stored)


@pytest.mark.parametrize("solver", BENCHMARK["SOLVERS"])
def test_every_solution_of_gsm8k_is_graded_as_stored(data: Path, solver: str) -> None:
    rows = BENCHMARK["gsm8k_solvers"](data, solver)
    assert len(rows) == 1319
    assert [row.right for row in rows] == [row.stored for row in rows]


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", {"other answer": 5, "per cent": 3, "cents": 2, "graded wrong, reads right": 2}),
        ("gpt-4-1106-preview", {"cents": 42, "per cent": 21, "other answer": 1}),
    ],
)  # fmt: skip
def test_routellm_grades_differ_where_only_the_last_digits_were_compared(
    data: Path, model: str, kinds: dict[str, int]
) -> None:
    rows = BENCHMARK["routellm"](data, model)
    last = BENCHMARK["last_digits"]
    assert [last(row.reply) == last(row.gold) for row in rows] == [row.stored for row in rows]
    assert Counter(BENCHMARK["why"](row) for row in rows if row.right != row.stored) == kinds


@pytest.mark.parametrize(
    ("name", "authors", "read"),
    [
        ("one-step, last letters of 2 words", 96.35, 95.89),
        ("one-step, last letters of 4 words", 69.09, 68.18),
        ("original question, last letters of 2 words", 52.05, 40.64),
        ("one-step, coin flip", 95.0, 92.27),
    ],
)
def test_rephrase_and_respond(data: Path, name: str, authors: float, read: float) -> None:
    file, extract, _ = BENCHMARK["RAR"][name]
    rows = BENCHMARK["rephrase_and_respond"](data, file, extract)
    assert 100 * sum(row.stored for row in rows) / len(rows) == pytest.approx(authors, abs=0.005)
    assert accuracy(rows) == pytest.approx(read, abs=0.005)
    assert not [row for row in rows if row.right and not row.stored], (
        "strict reading never rewards what the authors do not"
    )


def test_a_substring_match_made_the_grades_of_the_original_question(data: Path) -> None:
    file, extract, _ = BENCHMARK["RAR"]["original question, last letters of 2 words"]
    rows = BENCHMARK["rephrase_and_respond"](data, file, extract)
    by_hand = [row for row in rows if row.stored and row.gold not in row.reply.casefold()]
    assert not [row for row in rows if not row.stored and row.gold in row.reply.casefold()]
    assert len(by_hand) == 41, "the rows marked (Correct)"


def test_verdicts_on_pairs_are_the_stored_winners(data: Path) -> None:
    winners = {"model_1": "A", "model_2": "B", "tie": "tie"}
    pairs = [*BENCHMARK["pairs"](data)]
    assert len(pairs) == 10
    for row, first, second in pairs:
        assert (first, second) == (winners[row["g1_winner"]], winners[row["g2_winner"]])
    assert sum(first != second for _, first, second in pairs) == 3


def test_scores_of_reviews_are_the_stored_ones(data: Path) -> None:
    reviews = [*BENCHMARK["reviews"](data)]
    assert len(reviews) == 320
    read = [(pair, tuple(row["score"])) for row, pair in reviews if pair is not None]
    assert len(read) == 308
    assert all(pair == stored for pair, stored in read)
    missed = [row for row, _ in reviews if verdict(row["text"]) != leading(*row["score"])]
    assert [row["score"] for row in missed] == [[1.0, 3.0]]


def test_the_results_in_the_repository_are_those_of_this_code(data: Path) -> None:
    stored = json.loads((ROOT / "benchmarks/results/answers.json").read_text())
    for key in ("bbh", "gsm8k", "rephrase_and_respond"):
        assert [*BENCHMARK[f"of_{key}"](data)] == stored[key], f"run `{BENCHMARK['COMMAND']}`"
    assert BENCHMARK["of_judges"](data) == stored["judges"]
