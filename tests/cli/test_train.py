from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from langdistill.cli import app
from langdistill.cli.train import train as command
from langdistill.cli.train.progress import figures
from langdistill.errors import DatasetError, StudentError, UnknownName
from langdistill.students.card import read_student
from langdistill.students.train.checkpoints import last_checkpoint
from langdistill.students.train.progress import Progress
from langdistill.students.train.recipe import MINIATURE, Recipe
from langdistill.students.train.recipe_file import read_recipe_file
from langdistill.students.versioned import versions_of
from tests.trained import row, write

ROWS = [row(f"What is the capital of {name}?", "yes") for name in "ABCDEFGHIJKL"]
slow, lab_model = pytest.mark.slow, pytest.mark.xdist_group("lab_model")


def run(*words: str | Path) -> None:
    app(["train", *map(str, words)], standalone_mode=False)


def data(folder: Path) -> Path:
    return write(folder / "data", ROWS)


def test_every_field_of_a_recipe_is_an_option() -> None:
    assert set(Recipe.model_fields) <= set(inspect.signature(command).parameters)


def test_a_plan_as_json_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        data(tmp_path),
        "--base",
        "lab",
        "--out",
        tmp_path / "s",
        "--plan",
        "--format",
        "json",
        "--batch-size",
        6,
        "--epochs",
        3,
    )
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["steps"], told["epochs"], told["objective"]) == (12, 6, 3.0, "sft()")
    assert told["memory"]["total"] == sum(value for name, value in told["memory"].items() if name != "total")
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]


def test_a_plan_as_text_shows_the_mask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(data(tmp_path), "--base", "lab", "--out", tmp_path / "s", "--plan", "--objective", "sft()")
    told = " ".join(capsys.readouterr().out.split())
    assert "163,840 trained of 1,126,144" in told
    assert "not measured; --measure makes a few updates" in told
    assert "── row 0: 4 of 15 tokens carry loss" in told
    assert "[[yes<|end|>]]" in told or "yes<|end|>" in told


def test_a_plan_saves_the_recipe_file_that_plans_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "recipe.toml"
    run(data(tmp_path), "--base", "lab", "--out", tmp_path / "s", "--seed", 7, "--rank", 4, "--epochs", 2, "--plan",
        "--format", "json", "--save", file)  # fmt: skip
    first = json.loads(capsys.readouterr().out)
    said = read_recipe_file(file)
    assert (said.base, said.seed) == ("lab", 7)
    expected = MINIATURE.model_copy(update={"rank": 4, "epochs": 2.0, "steps": None})
    assert said.recipe_like(None, "miniature", {}) == expected
    run("--config", file, "--plan", "--format", "json")
    assert json.loads(capsys.readouterr().out) == first
    run("--config", file, "--rank", 8, "--plan", "--format", "json")
    assert json.loads(capsys.readouterr().out)["trained_parameters"] == 2 * first["trained_parameters"]


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (["DATA", "--base", "lab"], typer.BadParameter, "out missing"),
        ([], typer.BadParameter, "dataset and base and out missing"),
        (["DATA", "--base", "lab", "--out", "s", "--objective", "cake"], UnknownName, "no objective named 'cake'"),
        (["DATA", "--base", "lab", "--out", "s", "--objective", "sft(3)"], typer.BadParameter, "does not fit"),
        (["DATA", "--base", "lab", "--out", "s", "--recipe", "cake"], UnknownName, "no recipe named 'cake'"),
        (["DATA", "--base", "lab", "--out", "s", "--rank", "0"], StudentError, "cannot have rank=0"),
        (["DATA", "--base", "lab", "--out", "s", "--choose"], DatasetError, "nothing to choose a checkpoint by"),
        (["DATA", "--base", "lab", "--out", "s", "--choose", "--regression", "n.jsonl"], DatasetError, "regression set 'n.jsonl' cannot"),
        (["nothing", "--base", "lab", "--out", "s"], DatasetError, "is no data set to train on"),
        (["DATA", "--config", "n.toml"], StudentError, "recipe file 'n.toml' cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_anything_is_trained(
    words: list[str], error: type[Exception], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = data(tmp_path)
    with pytest.raises(error, match=says):
        run(*[str(made) if word == "DATA" else word for word in words])
    assert not versions_of(tmp_path / "s")


@slow
@lab_model
def test_a_training_tells_how_far_it_is_unless_it_is_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [data(tmp_path), "--base", "lab", "--out", tmp_path / "s", "--steps", 4]
    run(*words)
    told = capsys.readouterr()
    lines = [line for line in told.err.splitlines() if line.startswith("step ")]
    assert [line.partition(":")[0] for line in lines] == [f"step {at} of 4" for at in (1, 2, 3, 4)]
    assert all("tokens/s" in line and "left" in line for line in lines)
    assert told.out.startswith(f"Student in {tmp_path / 's' / 'v1'}: base ")
    run(*words, "--quiet", "--format", "json")
    told = capsys.readouterr()
    assert "step" not in told.err
    assert json.loads(told.out)["folder"] == str(tmp_path / "s" / "v2")


@slow
@lab_model
def test_a_checkpoint_is_chosen_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = data(tmp_path)
    (made / "validation.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    (tmp_path / "general.jsonl").write_text('{"question": "What is 2 + 2?", "answer": "4"}\n')
    run(made, "--base", "lab", "--out", tmp_path / "s", "--steps", 4, "--save-every", 2, "--choose", "--regression",
        tmp_path / "general.jsonl", "--quiet")  # fmt: skip
    found = read_student(tmp_path / "s").measurements["checkpoints"]
    assert [one["step"] for one in found["figures"]] == [0, 2, 4]
    assert f"Chosen: the checkpoint of step {found['chosen']} of 2 measured." in capsys.readouterr().out


@slow
@lab_model
def test_a_plan_with_a_pilot_tells_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (data(tmp_path), "--base", "lab", "--out", tmp_path / "s", "--plan", "--pilot", "--steps", 2)
    run(*words, "--format", "json")
    assert json.loads(capsys.readouterr().out)["pilot"]["n"] == 4
    assert not (tmp_path / "s").exists()


def test_the_figures_of_a_line() -> None:
    assert figures(Progress(5, 10, 5000, 2.0, 0, 1.23456)) == "loss 1.2346, 2,500 tokens/s, 0:00:02 left"
    assert figures(Progress(5, 10, 0, 0.0, 5, None)) == "0 tokens/s, time left unknown"


@slow
@lab_model
def test_ctrl_c_leaves_checkpoints_and_says_how_to_go_on(tmp_path: Path) -> None:
    words = ["-m", "langdistill", "train", str(data(tmp_path)), "--base", "lab", "--out", str(tmp_path / "s"),
             "--steps", "100000", "--save-every", "2"]  # fmt: skip
    process = subprocess.Popen([sys.executable, *words], env=os.environ, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not list((tmp_path / "s").glob(".training-*/checkpoint-*/trainer_state.json")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. What was finished is kept; the same command goes on from there." in told
    assert "Traceback" not in told
    [work] = (tmp_path / "s").glob(".training-*")
    assert last_checkpoint(work)
    assert not versions_of(tmp_path / "s")
