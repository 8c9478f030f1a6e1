"""SVAMP: word problems changed so that shallow reading fails (Patel et al., 2103.07191)."""

from __future__ import annotations

from pathlib import Path

from langdistill.evaluation.tasks.reading.amounts import amount
from langdistill.evaluation.tasks.reading.index_splits import (
    is_indexed,
    refuse_split_file,
    task_of_split,
)
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="SVAMP",
    file="SVAMP.json, or its folder; or svamp.json of Reasoning Teachers with its split",
    shape='an array of {"ID", "Body", "Question", "Answer", "Type"}, or of {"question", "answer"}',
    rows="test 1000; of Reasoning Teachers test 300, train 700",
    answer="a number",
    categories="Type: Addition, Subtraction, Multiplication, Common-Division; none in svamp.json",
    licence="MIT",
    origin="https://github.com/arkilpatel/SVAMP, or https://github.com/itsnamgyu/reasoning-teacher, dataset and data/split",
)
MISSPELT = {"Common-Divison": "Common-Division"}
"""One row of the file is of a category of its own by a slip."""


def svamp(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """SVAMP. The answer is a number; the prompt is the question as it is.

    The authors publish all 1,000 rows as a test set, for models that were trained on other sets: so is ``SVAMP.json`` read. Who
    trains on the 700 train rows of Reasoning Teachers must test on their 300: give ``svamp.json``.

    Args:
        path: ``SVAMP.json``, ``svamp.json``, or a folder that holds one.
        split: "test"; "train" of ``svamp.json`` only.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: for ``svamp.json``, which rows are train and test; `None` for the published one.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    if is_indexed(path, "svamp"):
        return task_of_split(
            "svamp", path, SOURCE, split=split, split_file=split_file, extract=amount, limit=limit, seed=seed
        )
    SOURCE.check_split(split, "test")
    refuse_split_file(SOURCE, split_file)
    rows = rows_in(SOURCE.file_at(path, "SVAMP.json"), SOURCE)
    return task_of("svamp", rows, _item, extract=amount, limit=limit, seed=seed)


def _item(row: Row) -> Item:
    """The body often lacks its point."""
    body, kind = row.text("Body").strip(), row.text("Type")
    question = f"{body}{'' if body.endswith(('.', '?', '!', ',')) else '.'} {row.text('Question').strip()}"
    return Item(f"svamp-{row.text('ID')}", question, row.text("Answer"), MISSPELT.get(kind, kind))
