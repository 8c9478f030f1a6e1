"""Tracking shuffled objects: who holds what after some swaps, three objects, as a choice (BIG-bench, 2206.04615)."""

from __future__ import annotations

from pathlib import Path

from langdistill.answers import choice
from langdistill.evaluation.tasks.reading.index_splits import source_of, task_of_split
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
    return task_of_split(
        "tracking_objects",
        path,
        SOURCE,
        split=split,
        split_file=split_file,
        extract=choice,
        limit=limit,
        seed=seed,
        file="tracking_shuffled_objects",
    )
