"""MultiArith: word problems of several steps (Roy and Roth, 1608.01413)."""

from __future__ import annotations

from pathlib import Path

from langdistill.evaluation.tasks.reading.amounts import amount
from langdistill.evaluation.tasks.reading.index_splits import source_of, task_of_split
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
    return task_of_split(
        "multiarith", path, SOURCE, split=split, split_file=split_file, extract=amount, limit=limit, seed=seed
    )
