"""MATH-500: 500 test problems of MATH (Hendrycks et al., 2103.03874; the selection: Lightman et al., 2305.20050)."""

from __future__ import annotations

from pathlib import Path

from langdistill.answers import maths
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="MATH-500",
    file="MATH_test_all.json of rStar, or test.jsonl of HuggingFaceH4/MATH-500, or its folder",
    shape='rows of {"problem", "answer", "subject", "level", "unique_id"}, of which rStar keeps the answer, subject and level in "extra_info"',
    rows="test 500",
    answer="mathematics, by value",
    categories="subject and level: Algebra, level 3",
    licence="MIT",
    origin="https://github.com/zhentingqi/rStar, data/MATH, or https://huggingface.co/datasets/HuggingFaceH4/MATH-500",
)
PROMPT = "{question}\n\nPut the final answer within \\boxed{}."
"""The published solutions close so."""


def math_500(path: str | Path, *, split: str = "test", limit: int | None = None, seed: int | None = None) -> TaskSet:
    r"""MATH-500. The answer is mathematics, compared by value; the prompt asks for it within ``\boxed{}``.

    Args:
        path: the file, or the folder that holds it.
        split: "test"; there is no other.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
        MissingExtra: math-verify, which reads mathematics, is not installed.
    """
    SOURCE.check_split(split, "test")
    rows = rows_in(SOURCE.file_at(path, "MATH_test_all.json", "test.jsonl", "test.json"), SOURCE)
    return task_of("math_500", rows, _item, extract=maths, prompt=PROMPT, limit=limit, seed=seed)


def _item(row: Row) -> Item:
    told = ("extra_info",) if "extra_info" in row.values else ()
    number = row.text("id" if told else "unique_id")
    category = f"{row.text(*told, 'subject')}, level {row.text(*told, 'level')}"
    return Item(f"math_500-{_id(number)}", row.text("problem"), rf"\boxed{{{row.text(*told, 'answer')}}}", category)


def _id(told: str) -> str:
    """One id for a problem in both files: "test-precalculus-807" and "test/precalculus/807.json"."""
    return told.removesuffix(".json").replace("/", "-")
