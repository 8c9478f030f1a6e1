"""Students of the lab model, trained on what recorded searches became."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import lines_of
from langdistill.datasets.targets.process_preference import process_preference
from langdistill.datasets.targets.verified import verified
from langdistill.lab import WEIGHTS
from langdistill.students.train.objective import Objective
from langdistill.students.train.objectives.dpo import dpo
from langdistill.students.train.objectives.pairwise_ranker import pairwise_ranker
from langdistill.students.train.objectives.sft import sft
from langdistill.students.train.training import train
from tests.datasets.targets.test_searched_targets import DRAWN, recorded
from tests.trained import FEW

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


@pytest.mark.parametrize(
    ("take", "format", "objective"),
    [
        (verified, "trl", sft),
        (process_preference, "trl_preference", pairwise_ranker),
        (process_preference, "trl_preference", dpo),
    ],
)
def test_a_student_learns_what_was_searched(
    take: Callable[[], Any], format: str, objective: Callable[[], Objective], tmp_path: Path
) -> None:
    made = harvest(recorded(DRAWN.problems)).target(take()).write(tmp_path / "data", format=format, validation=0)
    student = train(tmp_path / "data", WEIGHTS, tmp_path / "student", objective=objective(), recipe=FEW)
    assert student.last.rows == len([*lines_of(tmp_path / "data" / "train.jsonl")]) > 1
    assert student.dataset_hash == made.hash
