"""GSM8K: word problems of grade-school mathematics (Cobbe et al., 2110.14168)."""

from __future__ import annotations

from pathlib import Path

from langdistill.evaluation.tasks.reading.amounts import amount
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="GSM8K",
    file="test.jsonl or train.jsonl, or their folder",
    shape='lines of {"question", "answer"}, the answer closing with "#### 18"',
    rows="test 1319, train 7473",
    answer="a number",
    licence="MIT",
    origin="https://github.com/openai/grade-school-math, grade_school_math/data",
)
FILES = {"test": "test.jsonl", "train": "train.jsonl"}


def gsm8k(path: str | Path, *, split: str = "test", limit: int | None = None, seed: int | None = None) -> TaskSet:
    """GSM8K from its repository's files. The answer is a number; the prompt is the question as it is.

    Args:
        path: ``test.jsonl``, or the folder that holds it.
        split: "test", as published; "train" is never part of it.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    rows = rows_in(SOURCE.file_of_split(path, split, FILES), SOURCE)
    return task_of("gsm8k", rows, lambda row: _item(row, split), extract=amount, limit=limit, seed=seed)


def _item(row: Row, split: str) -> Item:
    _, marked, answer = row.text("answer").rpartition("####")
    if not marked:
        raise row.refused(f'the answer {answer[-40:]!r} closes with no "#### 18"')
    return Item(f"gsm8k-{split}-{row.index}", row.text("question"), answer)
