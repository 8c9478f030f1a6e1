from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError
from langdistill.lab import WEIGHTS
from langdistill.records import Problem
from langdistill.students.card import Student, load_student
from langdistill.students.regression import RegressionSet
from langdistill.students.teacher_answers import agreement_with
from langdistill.students.train.choosing import Choice, Figures, best, best_on_the_task
from langdistill.students.train.recipe import MINIATURE
from langdistill.students.train.training import train
from tests.trained import FEW, row, write


def figures(*told: tuple[int, float | None, float | None, bool]) -> list[Figures]:
    return [
        Figures(step=step, agreement=agreement, loss=loss, fell="fell" if fell else None)
        for step, agreement, loss, fell in told
    ]


def test_the_best_on_the_task_among_those_that_do_not_fall() -> None:
    found = figures((0, 0.9, 0.1, False), (2, 0.5, 1.0, False), (4, 0.8, 0.5, True), (6, 0.7, 0.6, False))
    assert best(found) == found[3]
    assert best_on_the_task(found) == found[2], "what the training began with is no checkpoint"


def test_of_equal_agreement_the_lower_loss_and_of_equal_both_the_earlier() -> None:
    found = figures((2, 0.5, 1.0, False), (4, 0.5, 0.8, False), (6, 0.5, 0.8, False))
    assert best(found[::-1]) == found[1]
    assert best(figures((2, None, 1.0, False), (4, None, 0.9, False))) == figures((4, None, 0.9, False))[0]


def test_where_all_fall_there_is_none() -> None:
    assert best(figures((0, 0.1, 1.0, False), (2, 0.9, 0.1, True))) is None
    assert best([]) is None


slow = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]
ROWS = [row(f"What is the capital of {name}?", "yes") for name in "ABCDEFGHIJKL"]
HELD_OUT = [row(f"What is the capital of {name}?", "yes") for name in "MNOP"]
GENERAL = RegressionSet(
    tuple(
        Problem(id=str(at), question=f"Let's think step by step. Is {at} more than 3? Answer yes or no.")
        for at in range(12)
    ),
    {str(at): "no" for at in range(12)},
)


def data(folder: Path) -> Path:
    made = write(folder / "data", ROWS)
    (made / "validation.jsonl").write_text("".join(json.dumps(one) + "\n" for one in HELD_OUT))
    return made


def told(student: Student) -> dict[str, Any]:
    return student.measurements["checkpoints"]


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_every_checkpoint_is_measured_and_the_best_becomes_the_student(tmp_path: Path) -> None:
    recipe = MINIATURE.model_copy(update={"steps": 20, "batch_size": 12, "save_every": 5})
    student = train(data(tmp_path), WEIGHTS, tmp_path / "s", recipe=recipe, choice=Choice())
    found = told(student)
    assert [one["step"] for one in found["figures"]] == [0, 5, 10, 15, 20]
    assert all(one["loss"] is not None and one["rows"] == 4 for one in found["figures"])
    assert found["chosen"] == best([Figures(**one) for one in found["figures"]]).step  # type: ignore[union-attr]
    assert student.last.steps == found["chosen"]
    chosen = next(one for one in found["figures"] if one["step"] == found["chosen"])
    assert agreement_with(load_student(tmp_path / "s"), HELD_OUT) == chosen["agreement"]
    assert chosen["agreement"] > found["figures"][0]["agreement"]
    assert not found["base_is_better"]
    assert not list((tmp_path / "s").glob(".*"))


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_measuring_does_not_change_what_is_learnt(tmp_path: Path) -> None:
    recipe = FEW.model_copy(update={"dropout": 0.2, "save_every": 6})
    made = data(tmp_path)
    measured = train(made, WEIGHTS, tmp_path / "s", recipe=recipe, choice=Choice(GENERAL))
    assert told(measured)["chosen"] == 6, (
        "there is no other; random numbers were drawn for the loss before the first step"
    )
    assert measured.weights == train(made, WEIGHTS, tmp_path / "plain", recipe=recipe).weights


KILLED = """
import os, signal, sys
from pathlib import Path
from langdistill.lab import WEIGHTS
from langdistill.students.train.training import train
from tests.students.train.test_choosing import GENERAL, RESUMED, Choice

def tell(now):
    if now.step == 5:
        os.kill(os.getpid(), signal.SIGKILL)

train(sys.argv[1] + "/data", WEIGHTS, sys.argv[1] + "/s", recipe=RESUMED, choice=Choice(GENERAL), on_progress=tell)
"""
RESUMED = FEW.model_copy(update={"dropout": 0.2, "learning_rate": 0.01})


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_a_killed_run_measures_none_twice_and_chooses_the_same(tmp_path: Path) -> None:
    made = data(tmp_path)
    left = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], env=os.environ, check=False, cwd=Path(__file__).parents[3]
    )
    assert left.returncode == -signal.SIGKILL
    [work] = (tmp_path / "s").glob(".training-*")
    kept = json.loads((work / "figures.json").read_text())
    assert [one["step"] for one in kept] == [0, 2, 4]
    assert {path.name for path in work.glob("kept-*")} <= {"kept-2", "kept-4"}
    kept[1]["rows"] = 77  # to see whether it is measured again
    (work / "figures.json").write_text(json.dumps(kept))
    resumed = train(made, WEIGHTS, tmp_path / "s", recipe=RESUMED, choice=Choice(GENERAL))
    whole = train(made, WEIGHTS, tmp_path / "whole", recipe=RESUMED, choice=Choice(GENERAL))
    assert told(resumed)["figures"][1]["rows"] == 77
    told(resumed)["figures"][1]["rows"] = 4
    assert told(resumed) == told(whole)
    assert resumed.weights == whole.weights


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_where_every_checkpoint_falls_the_base_is_told_to_be_better(tmp_path: Path) -> None:
    general = RegressionSet(tuple(Problem(id=str(at), question=f"What is {at} + {at}?") for at in range(1, 13)))
    recipe = MINIATURE.model_copy(update={"steps": 30, "batch_size": 12, "save_every": 15})
    student = train(data(tmp_path), WEIGHTS, tmp_path / "s", recipe=recipe, choice=Choice(general))
    found = told(student)
    assert found["figures"][0]["regression"] == 1.0, "its own greedy answers are the reference"
    assert found["base_is_better"]
    assert found["chosen"] in (15, 30)
    assert all("fell from" in one["fell"] for one in found["figures"][1:])


def test_there_must_be_something_to_choose_by(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nothing to choose a checkpoint by"):
        train(write(tmp_path / "data", ROWS), WEIGHTS, tmp_path / "s", recipe=FEW, choice=Choice())
