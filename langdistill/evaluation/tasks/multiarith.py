"""MultiArith: word problems of several steps (Roy and Roth, 1608.01413)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from langdistill.evaluation.tasks.reading.amounts import amount
from langdistill.evaluation.tasks.reading.index_splits import question_and_answer, rows_of_split, source_of
from langdistill.evaluation.tasks.reading.making import task_of
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = source_of("MultiArith", "multiarith", answer="a number", rows="test 180, train 420")


def multiarith(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """MultiArith. The answer is a number; the prompt is the question as it is.

    Args:
        path: ``multiarith.json``, or the folder that holds it.
        split: "test" or "train", by the split of Reasoning Teachers.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: which rows are train and test; `None` for ``data/split/multiarith__default.json`` of the repository. Five
            questions and many templates stand on both sides of that one: ``multiarith__template.json`` keeps them apart.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    rows = rows_of_split(path, SOURCE, "multiarith", split, split_file)
    return task_of(
        "multiarith", rows, partial(question_and_answer, "multiarith"), extract=amount, limit=limit, seed=seed
    )
