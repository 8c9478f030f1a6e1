from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.students.card import Student
from langdistill.students.train.job import planned
from langdistill.students.train.objective import Objective
from langdistill.students.train.objectives.classifier import classifier
from langdistill.students.train.objectives.dpo import dpo
from langdistill.students.train.objectives.gkd import gkd
from langdistill.students.train.objectives.gold import gold
from langdistill.students.train.objectives.kto import kto
from langdistill.students.train.objectives.pairwise_ranker import pairwise_ranker
from langdistill.students.train.plan import plan
from tests.students.train.objectives.material import ANSWERED, FEW, LABELLED, PAIRS, WEIGHTS, trainer_of
from tests.trained import write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


@pytest.mark.parametrize(
    ("make", "rows", "answers"),
    [
        (lambda one, other: dpo(), PAIRS, 2),
        (lambda one, other: kto(), LABELLED, 1),
        (lambda one, other: pairwise_ranker(), PAIRS, 2),
        (lambda one, other: classifier(), ANSWERED, 0),
        (lambda one, other: gkd(one), ANSWERED, 1),
        (lambda one, other: gold(other), ANSWERED, 1),
    ],
    ids=["dpo", "kto", "pairwise_ranker", "classifier", "gkd", "gold"],
)
def test_a_plan_counts_its_tokens_and_held_out_rows_have_a_loss(
    make: Callable[[Student, Student], Objective],
    rows: list[dict[str, Any]],
    answers: int,
    teacher: Student,
    foreigner: Student,
    tmp_path: Path,
) -> None:
    data = write(tmp_path / "rows", rows[:9])
    (data / "validation.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows[9:]))
    job = planned(data, WEIGHTS, tmp_path / "s", objective=make(teacher, foreigner), recipe=FEW, seed=0)
    told = plan(job)
    prompts = [job.tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)["input_ids"] for row in rows[:9]]  # fmt: skip
    said = [len(job.tokenizer(text + "<|end|>")["input_ids"]) for row in rows[:9] for text in replies(row)[:answers]]
    assert told.tokens.total == sum(map(len, prompts)) * max(answers, 1) + sum(said)
    assert told.remarks == job.objective.remarks(job.rows)
    assert (told.rows, told.validation_rows) == (9, 3)
    trainer = trainer_of(job, tmp_path / "work")
    assert math.isfinite(trainer.evaluate()["eval_loss"])


def replies(row: dict[str, Any]) -> list[str]:
    return [row[name][0]["content"] for name in ("completion", "chosen", "rejected") if name in row]


def test_what_a_teacher_weighs_is_told(teacher: Student) -> None:
    assert gkd(teacher).remarks(ANSWERED) == [
        "The teacher, 0.0026 GB of weights on disk, is loaded beside the student; its memory is not in the estimate."
    ]
