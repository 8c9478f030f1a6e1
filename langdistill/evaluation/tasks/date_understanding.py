"""Date understanding: which date is meant, as a choice (BIG-bench, 2206.04615)."""

from __future__ import annotations

from pathlib import Path

from langdistill.answers import choice
from langdistill.evaluation.tasks.reading.index_splits import source_of, task_of_split
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = source_of("Date understanding", "date_understanding", answer="a letter", rows="test 111, train 258")


def date_understanding(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """Date understanding. The answer is a letter; the prompt is the question as it is, which lists the choices.

    Args:
        path: ``date_understanding.json``, or the folder that holds it.
        split: "test" or "train", by the split of Reasoning Teachers.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: which rows are train and test; `None` for ``data/split/date_understanding__default.json`` of the repository. Questions
            of one template stand on both sides of it: ``date_understanding__template.json`` keeps them apart.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    return task_of_split(
        "date_understanding", path, SOURCE, split=split, split_file=split_file, extract=choice, limit=limit, seed=seed
    )
