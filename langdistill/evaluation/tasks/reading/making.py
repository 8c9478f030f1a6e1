"""A task out of rows: what is asked, and what is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from langdistill.answers import Extract, same
from langdistill.errors import DatasetError
from langdistill.evaluation.tasks.reading.rows import Row
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.records import Problem

AS_IS = "{question}"
"""The question and nothing else: a strategy brings its own words, and a student learns to do without any."""


@dataclass(frozen=True)
class Item:
    """What a task takes from a row."""

    id: str
    question: str
    answer: str
    """The right answer, as the file writes it."""
    category: str | None = None


def task_of(
    name: str,
    rows: Sequence[Row],
    item: Callable[[Row], Item],
    *,
    extract: Extract,
    limit: int | None = None,
    seed: int | None = None,
    gold: Extract | None = None,
    equal: Callable[[str | None, str], bool] = same,
    prompt: str = AS_IS,
) -> TaskSet:
    """The task that some rows make.

    Args:
        name: of the task.
        rows: all of its split.
        item: reads one.
        extract: reads a reply, and the right answers as well unless `gold` does.
        limit: how many rows are taken; `None` for all.
        seed: which, as `chosen` draws them.
        gold: reads a right answer as the file writes it.
        equal: compares.
        prompt: a template with ``{question}``.

    Raises:
        DatasetError: a row lacks something, its answer cannot be read, or two have one id.
    """
    items = [(row, item(row)) for row in chosen(rows, limit, seed)]
    answers: dict[str, str] = {}
    for row, one in items:
        answer = (gold or extract)(one.answer)
        if answer is None:
            raise row.refused(f"{one.answer[:80]!r} is no answer that can be read")
        if one.id in answers:
            raise row.refused(f"the problem {one.id!r} stands there a second time")
        answers[one.id] = answer
    return TaskSet(
        name=name,
        problems=[Problem(id=one.id, question=one.question) for _, one in items],
        gold=answers,
        categories={one.id: one.category for _, one in items if one.category},
        extract=extract,
        equal=equal,
        prompt=prompt,
    )


def chosen(rows: Sequence[Row], limit: int | None, seed: int | None) -> Sequence[Row]:
    """The first `limit` rows; with a seed, so many drawn at random, in the order of the file.

    Raises:
        DatasetError: the limit is below 1.
    """
    if limit is not None and limit < 1:
        raise DatasetError(f"limit={limit} leaves nothing to ask. Give at least 1, or None for all rows.")
    if limit is None or limit >= len(rows):
        return rows
    if seed is None:
        return rows[:limit]
    return [rows[at] for at in sorted(Random(seed).sample(range(len(rows)), limit))]
