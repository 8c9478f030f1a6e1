"""Coin flip: is a coin still heads up after some people flipped it (Wei et al., 2201.11903; Kojima et al., 2205.11916)."""

from __future__ import annotations

from pathlib import Path

from langdistill.answers import yes_no
from langdistill.evaluation.tasks.reading.index_splits import source_of, task_of_split
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = source_of("Coin flip", "coin_flip", answer="yes or no", rows="test 150, train 350")


def coin_flip(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """Coin flip. The answer is yes or no; the prompt is the question as it is.

    Args:
        path: ``coin_flip.json``, or the folder that holds it.
        split: "test" or "train", by the split of Reasoning Teachers.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: which rows are train and test; `None` for ``data/split/coin_flip__default.json`` of the repository.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    return task_of_split(
        "coin_flip", path, SOURCE, split=split, split_file=split_file, extract=yes_no, limit=limit, seed=seed
    )
