"""Last-letter concatenation: the last letters of four names, put together (Wei et al., 2201.11903; Kojima et al., 2205.11916)."""

from __future__ import annotations

from pathlib import Path

from langdistill.answers import letters
from langdistill.evaluation.tasks.reading.index_splits import source_of, task_of_split
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = source_of(
    "Last-letter concatenation", "last_letter_concatenation", answer="letters", rows="test 150, train 350"
)


def last_letters(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """Last-letter concatenation. The answer is letters; the prompt is the question as it is.

    Args:
        path: ``last_letter_concatenation.json``, or the folder that holds it.
        split: "test" or "train", by the split of Reasoning Teachers.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: which rows are train and test; `None` for ``data/split/last_letter_concatenation__default.json`` of the repository.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    return task_of_split(
        "last_letters",
        path,
        SOURCE,
        split=split,
        split_file=split_file,
        extract=letters,
        limit=limit,
        seed=seed,
        file="last_letter_concatenation",
    )
