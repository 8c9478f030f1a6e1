"""GSM-Hard: the test questions of GSM8K with large numbers in them (Gao et al., 2211.10435)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from langdistill.evaluation.tasks.reading.amounts import amount
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

SOURCE = Source(
    title="GSM-Hard",
    file="gsmhardv2.jsonl, or its folder",
    shape='lines of {"input", "target"}, the target a number',
    rows="test 1319",
    answer="a number, within 0.001",
    licence="Apache-2.0",
    origin="https://github.com/reasoning-machines/pal, datasets",
)
TOLERANCE = Fraction(1, 1000)
"""How far an answer may be off: the targets are floating-point numbers, as 4795436.8 and 14053029.666666666. PAL's own."""


def gsm_hard(path: str | Path, *, split: str = "test", limit: int | None = None, seed: int | None = None) -> TaskSet:
    """GSM-Hard from its repository's file. The answer is a number, right within 0.001; the prompt is the question as it is.

    Args:
        path: ``gsmhardv2.jsonl``, or the folder that holds it.
        split: "test"; there is no other.
        limit: how many rows; `None` for all.
        seed: draws them; `None` takes the first ones.

    Raises:
        DatasetError: there is no such file, or it is of another shape.
    """
    SOURCE.check_split(split, "test")
    rows = rows_in(SOURCE.file_at(path, "gsmhardv2.jsonl", "datasets/gsmhardv2.jsonl"), SOURCE)
    return task_of("gsm_hard", rows, _item, extract=amount, equal=near, limit=limit, seed=seed)


def near(answer: str | None, gold: str) -> bool:
    """Whether two numbers in the spelling of `answers.number` are within the tolerance."""
    try:
        return answer is not None and abs(Fraction(answer) - Fraction(gold)) < TOLERANCE
    except ValueError:
        return False


def _item(row: Row) -> Item:
    return Item(f"gsm_hard-{row.index}", row.text("input"), row.text("target"))
