"""AQuA: algebra as a choice of five (Ling et al., 1705.04146)."""

from __future__ import annotations

from pathlib import Path

from langdistill.answers import choice
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="AQuA",
    file="aqua.jsonl, or its folder",
    shape='lines of {"input", "target"}, the target a letter',
    rows="test 254",
    answer="a letter",
    licence="Apache-2.0",
    origin="https://github.com/reasoning-machines/pal, datasets",
)


def aqua(path: str | Path, *, split: str = "test", limit: int | None = None, seed: int | None = None) -> TaskSet:
    """The test set of AQuA, as PAL writes it. The answer is a letter; the prompt is the question as it is, which lists the choices.

    Args:
        path: ``aqua.jsonl``, or the folder that holds it.
        split: "test"; the file holds no other.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    SOURCE.check_split(split, "test")
    rows = rows_in(SOURCE.file_at(path, "aqua.jsonl", "datasets/aqua.jsonl"), SOURCE)
    return task_of("aqua", rows, _item, extract=choice, limit=limit, seed=seed)


def _item(row: Row) -> Item:
    return Item(f"aqua-{row.index}", row.text("input"), row.text("target"))
