"""CommonsenseQA: everyday knowledge as a choice of five (Talmor et al., 1811.00937)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.answers import choice
from langdistill.evaluation.tasks.reading.index_splits import (
    is_indexed,
    question_and_answer,
    refuse_split_file,
    rows_of_split,
)
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="CommonsenseQA",
    file="dev_rand_split.jsonl or train_rand_split.jsonl, or their folder; or commonsense_qa.json of Reasoning Teachers with its split",
    shape='lines of {"id", "answerKey", "question": {"stem", "choices": [{"label", "text"}]}}, or an array of {"question", "answer"}',
    rows="test (dev_rand_split.jsonl) 1221, train 9741",
    answer="a letter",
    licence="MIT",
    origin="https://www.tau-nlp.org/commonsenseqa, or https://github.com/itsnamgyu/reasoning-teacher, dataset and data/split",
)
FILES = {"test": "dev_rand_split.jsonl", "train": "train_rand_split.jsonl"}


def commonsense_qa(
    path: str | Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int | None = None,
    split_file: str | Path | None = None,
) -> TaskSet:
    """CommonsenseQA. The answer is a letter; the prompt is the question as it is, which lists the choices.

    The answers of the published test set are secret: what is tested on is its dev split, in Reasoning Teachers' file as well.

    Args:
        path: ``dev_rand_split.jsonl``, ``commonsense_qa.json``, or a folder that holds one.
        split: "test" or "train".
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.
        split_file: for ``commonsense_qa.json``, which rows are train and test; `None` for the published one.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    if is_indexed(path, "commonsense_qa"):
        rows = rows_of_split(path, SOURCE, "commonsense_qa", split, split_file)
        item = partial(question_and_answer, "commonsense_qa")
    else:
        refuse_split_file(SOURCE, split_file)
        rows, item = rows_in(SOURCE.file_of_split(path, split, FILES), SOURCE), _item
    return task_of("commonsense_qa", rows, item, extract=choice, limit=limit, seed=seed)


def _item(row: Row) -> Item:
    options = row.value("question", "choices")
    if not isinstance(options, list) or not all(_is_option(one) for one in options):  # pyright: ignore[reportUnknownVariableType]
        raise row.refused("its question.choices are no list of label and text")
    listed = ", ".join(f"({one['label']}) {one['text']}" for one in options)  # pyright: ignore[reportUnknownVariableType]
    question = f"{row.text('question', 'stem').strip()} Answer choices: {listed}."
    return Item(f"commonsense_qa-{row.text('id')}", question, row.text("answerKey"))


def _is_option(value: Any) -> bool:
    return isinstance(value, Mapping) and {"label", "text"} <= value.keys()  # pyright: ignore[reportUnknownMemberType]
