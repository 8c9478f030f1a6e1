from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.students.card import Student
from langdistill.students.train.checkpoints import last_checkpoint
from langdistill.students.train.objective import Objective
from langdistill.students.train.objectives.classifier import classifier
from langdistill.students.train.objectives.dpo import dpo
from langdistill.students.train.objectives.gkd import gkd
from langdistill.students.train.objectives.gold import gold
from langdistill.students.train.objectives.kto import kto
from langdistill.students.train.objectives.pairwise_ranker import pairwise_ranker
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of
from tests.students.train.objectives.material import (
    ANSWERED,
    FEW,
    LABELLED,
    PAIRS,
    WEIGHTS,
    Killed,
    killed_at,
)
from tests.trained import write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

DROPPING = FEW.model_copy(update={"dropout": 0.1})
Make = Callable[[Student, Student], Objective]


@pytest.mark.parametrize(
    ("make", "rows", "recipe", "on"),
    [
        (lambda one, other: dpo(), PAIRS, DROPPING, False),
        (lambda one, other: dpo(), PAIRS, FEW, True),
        (lambda one, other: kto(), LABELLED, DROPPING, False),
        (lambda one, other: pairwise_ranker(), PAIRS, DROPPING, False),
        (lambda one, other: classifier(), ANSWERED, DROPPING, False),
        (lambda one, other: gkd(one, max_tokens=4), ANSWERED, FEW, False),
        (lambda one, other: gold(other, max_tokens=4), ANSWERED, FEW.model_copy(update={"batch_size": 2, "accumulate": 2}), False),
    ],
    ids=["dpo", "dpo-on", "kto", "pairwise_ranker", "classifier", "gkd", "gold"],
)  # fmt: skip
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    make: Make, rows: Any, recipe: Any, on: bool, teacher: Student, foreigner: Student, tmp_path: Path
) -> None:
    """Three steps are a pass over the rows: the run is stopped in its second one, whose order and samples are new."""
    data = write(tmp_path / "rows", rows)
    settings: dict[str, Any] = {"objective": make(teacher, foreigner), "recipe": recipe, "seed": 5}
    base: Any = teacher if on else WEIGHTS
    with pytest.raises(Killed):
        train(data, base, tmp_path / "s", **settings, on_progress=killed_at(5))
    assert not versions_of(tmp_path / "s")
    [work] = (tmp_path / "s").glob(".training-*")
    kept = last_checkpoint(work)
    assert kept
    assert kept.name == "checkpoint-4"
    assert not (kept / "ref").exists()
    told: list[int] = []
    resumed = train(data, base, tmp_path / "s", **settings, on_progress=lambda now: told.append(now.step))
    assert told == [5, 6]
    assert resumed.weights == train(data, base, tmp_path / "whole", **settings).weights
    assert sorted(path.name for path in resumed.folder.iterdir() if path.is_dir()) == []
