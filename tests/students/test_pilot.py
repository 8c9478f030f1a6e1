from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.lab.arithmetic import SAID, apply, read_question
from langdistill.lab.tasks import task
from langdistill.records import Problem
from langdistill.students.pilot import pilot
from langdistill.students.regression import RegressionSet
from langdistill.students.teacher_answers import Asked, asked_in
from langdistill.students.train.objectives.sft import Sft
from langdistill.students.train.recipe import MINIATURE, PILOT
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of
from tests.trained import row, write

slow, lab_model = pytest.mark.slow, pytest.mark.xdist_group("lab_model")
SECRETS = [row(f"What is {at} in secret?", hashlib.sha256(str(at).encode()).hexdigest()[:6]) for at in range(30)]
SHORT = MINIATURE.model_copy(update={"steps": 4, "batch_size": 12})


class Scorer(Sft):
    """One whose students give no text."""

    head = "score"


def worked(question: str) -> str:
    digit, steps = read_question(question)
    lines: list[str] = []
    for step in steps:
        after = apply(digit, step)
        lines.append(f"{digit} {SAID[step[0]]} {step[1]} is {after}.")
        digit = after
    return "\n".join([*lines, f"Answer: {digit}"])


def arithmetic(folder: Path, *, reasoned: bool) -> Path:
    """The published negative case in small: answers alone, or with their reasoning."""
    drawn = task("arithmetic").draw(80, seed=0, pool="train")
    rows = [
        row(one.question, worked(one.question) if reasoned else drawn.gold[one.id], problem=one.id)
        for one in drawn.problems
    ]
    return write(folder, rows, format="trl")


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"completion": [{"role": "assistant", "content": "yes"}]}, ("yes", True)),
        ({"completion": [{"role": "assistant", "content": "It is so.\nAnswer: yes"}]}, ("yes", False)),
        ({"chosen": [{"role": "assistant", "content": "yes"}], "rejected": []}, ("yes", True)),
        ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "yes"}], "prompt": None}, ("yes", True)),
        ({"completion": [{"role": "assistant", "content": "a\nb"}]}, None),
        ({"completion": [{"role": "assistant", "content": "yes"}], "label": False}, None),
        ({"completion": [{"role": "assistant", "content": "yes"}], "tools": [{"name": "t"}]}, None),
        ({"completion": [{"role": "user", "content": "yes"}]}, None),
        ({"completion": []}, None),
        ({"text": "yes"}, None),
    ],
)  # fmt: skip
def test_the_short_answer_of_a_row(said: dict[str, Any], asked: tuple[str, bool] | None) -> None:
    found = asked_in({"prompt": [{"role": "user", "content": "q"}], **said})
    assert asked == (found and (found.answer, found.is_answer_alone))
    if found:
        assert found == Asked([{"role": "user", "content": "q"}], found.answer, found.target)


@slow
@lab_model
def test_where_the_answer_alone_fails_and_the_reasoning_works_it_says_so(tmp_path: Path) -> None:
    alone, reasoned = arithmetic(tmp_path / "a", reasoned=False), arithmetic(tmp_path / "r", reasoned=True)
    report = pilot(alone, WEIGHTS, recipe=PILOT, steps=30, held_out=25, reasoning=reasoned)
    assert (report.n, report.reasoning_n, report.answer_alone) == (25, 25, True)
    assert report.student_agreement < 0.3
    assert report.reasoning_agreement is not None
    assert report.reasoning_agreement > 0.7
    assert report.recommendation == "keep the reasoning"
    assert report.warning
    assert "7.13" in report.warning
    assert "A student that was taught the reasoning, too" in report.warning
    assert "--target with_reasoning" in report.warning


@slow
@lab_model
def test_a_fall_on_the_regression_set_is_a_warning(tmp_path: Path) -> None:
    easy = [row(f"What is the capital of {at}?", "yes") for at in range(30)]
    general = RegressionSet(tuple(Problem(id=str(at), question=f"What is {at} + {at}?") for at in range(1, 13)))
    recipe = MINIATURE.model_copy(update={"steps": 30, "batch_size": 12})
    report = pilot(write(tmp_path / "data", easy), WEIGHTS, recipe=recipe, regression=general)
    assert report.student_agreement > 0.3
    assert report.recommendation == "go on"
    assert report.regression is not None
    assert report.regression[0] == 1.0 > report.regression[1]
    assert report.warning
    assert "fell from" in report.warning


@slow
@lab_model
def test_a_training_stops_where_its_pilot_warns_unless_it_is_forced(tmp_path: Path) -> None:
    data = write(tmp_path / "data", SECRETS)
    calls: list[Any] = []

    def counted(*args: Any, **more: Any) -> Any:
        calls.append(more["recipe"])
        return pilot(*args, **more, rows=12)

    with pytest.raises(StudentError, match=r"pilot speaks against .* Answer-only .* \(--force\)"):
        train(data, WEIGHTS, tmp_path / "s", recipe=SHORT, pilot=counted)
    assert not versions_of(tmp_path / "s")
    student = train(data, WEIGHTS, tmp_path / "s", recipe=SHORT, pilot=counted, force=True)
    assert calls == [SHORT], "the second run read what the first one had found"
    assert student.measurements["pilot"]["recommendation"] == "keep the reasoning"
    assert student.measurements["pilot"]["n"] == 10


def test_a_pilot_needs_problems_and_a_student_that_speaks(tmp_path: Path) -> None:
    few = write(tmp_path / "few", [row("What?", str(at), problem="p") for at in range(30)])
    with pytest.raises(DatasetError, match=r"at least 6 problems; .* has 1"):
        pilot(few, WEIGHTS)
    with pytest.raises(StudentError, match=r"a student of test_pilot gives score"):
        pilot(few, WEIGHTS, objective=Scorer())


def test_a_pilot_runs_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StudentError, match="A pilot runs in one process"):
        train(write(tmp_path / "data", SECRETS), WEIGHTS, tmp_path / "s", recipe=SHORT, pilot=partial(pilot, rows=12))
