"""Tracking shuffled objects: who holds what after some swaps, three objects, as a choice (BIG-bench, 2206.04615)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from langdistill.answers import choice
from langdistill.evaluation.tasks.reading.index_splits import question_and_answer, rows_of_split, source_of
from langdistill.evaluation.tasks.reading.making import task_of
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = source_of(
    "Tracking shuffled objects", "tracking_shuffled_objects", answer="a letter", rows="test 225, train 525"
)


def tracking_objects(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """Tracking shuffled objects. The answer is a letter; the prompt is the question as it is, which lists the choices.

    Args:
        path: ``tracking_shuffled_objects.json``, or the folder that holds it.
        split: "test" or "train", by the split of Reasoning Teachers.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: which rows are train and test; `None` for ``data/split/tracking_shuffled_objects__default.json`` of the repository.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    rows = rows_of_split(path, SOURCE, "tracking_shuffled_objects", split, split_file)
    return task_of(
        "tracking_objects",
        rows,
        partial(question_and_answer, "tracking_objects"),
        extract=choice,
        limit=limit,
        seed=seed,
    )
