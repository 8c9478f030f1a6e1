from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langdistill.cli import app
from langdistill.errors import StudentError
from langdistill.students.card import Stage, Student
from langdistill.students.serving.kept import Version, keep_versions
from langdistill.students.train.recipe import MINIATURE


def write(place: Path, version: int, *objectives: str) -> Student:
    stages = [
        Stage(objective=one, params={"k": 5}, recipe=MINIATURE, dataset_hash=one * 30, seed=7, rows=1240, steps=250)
        for one in objectives
    ]
    student = Student(
        folder=place / f"v{version}", name=place.name, version=version, base="Qwen/Qwen3-0.6B", base_digest="b" * 64,
        weights=str(version) * 64, stages=stages, versions={"torch": "2.13.0"}, made="2026-01-31T12:00:00+00:00",
        measurements={"training": {"loss": 0.123456, "curve": [1, 2]}, "gsm8k": 0.5},
    )  # fmt: skip
    student.folder.mkdir(parents=True)
    (student.folder / "student.json").write_text(student.model_dump_json())
    return student


@pytest.fixture
def root(tmp_path: Path) -> Path:
    first, _ = write(tmp_path / "concierge", 1, "sft"), write(tmp_path / "concierge", 2, "sft", "dpo")
    keep_versions([Version(first.served_name, str(first.folder))])
    return tmp_path


def test_the_versions_of_all_students_are_listed(root: Path) -> None:
    write(root / "agents" / "planner", 1, "topk_kl")
    (root / "concierge" / "v3").mkdir()
    (root / "concierge" / "v3" / "student.json").write_text("{")
    told = CliRunner().invoke(app, ["students", "ls", str(root)])
    assert told.exit_code == 0
    rows = [line.split() for line in told.stdout.splitlines()]
    tail = ["1,240", "training", "loss", "0.1235,", "gsm8k", "0.5", "2026-01-31T12:00:00+00:00"]
    assert rows[1] == ["planner-v1-11111111", "Qwen/Qwen3-0.6B", "topk_kl", "topk_kltopk_", *tail]
    assert rows[2] == ["concierge-v1-11111111", "current", "Qwen/Qwen3-0.6B", "sft", "sftsftsftsft", *tail]
    assert rows[3] == ["concierge-v2-22222222", "Qwen/Qwen3-0.6B", "sft", ">", "dpo", "dpodpodpodpo", *tail]
    assert rows[4][:2] == ["3", "students"]
    assert "There is no student in" in told.stderr


def test_a_list_for_programs_holds_the_cards(root: Path) -> None:
    told = json.loads(CliRunner().invoke(app, ["students", "ls", str(root), "--format", "json"]).stdout)
    assert [one["folder"] for one in told] == [str(root / "concierge" / name) for name in ("v1", "v2")]
    assert [stage["objective"] for stage in told[1]["stages"]] == ["sft", "dpo"]
    assert told[0]["measurements"]["gsm8k"] == 0.5


def test_a_folder_without_students_is_an_empty_list(tmp_path: Path) -> None:
    assert f"0 students in {tmp_path}" in CliRunner().invoke(app, ["students", "ls", str(tmp_path)]).stdout


def test_one_version_is_shown_with_its_trainings(root: Path) -> None:
    told = CliRunner().invoke(app, ["students", "show", str(root / "concierge")])
    lines = dict(line.split("  ", 1) for line in told.stdout.splitlines())
    shown = {name.strip(): value.strip() for name, value in lines.items()}
    assert shown["student"] == "concierge-v2-22222222"
    assert shown["base"] == "Qwen/Qwen3-0.6B (bbbbbbbbbbbb)"
    assert shown["training 2"].startswith("dpo: 1,240 rows of data set dpodpodpodpo, 250 steps, seed 7, k 5, ")
    assert shown["gsm8k"] == "0.5"
    card = json.loads(
        CliRunner().invoke(app, ["students", "show", str(root / "concierge/v1"), "--format", "json"]).stdout
    )
    assert (card["version"], card["served_name"]) == (1, "concierge-v1-11111111")


def test_where_there_is_no_student_it_is_told(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["students", "show", str(tmp_path)])
    assert isinstance(told.exception, StudentError)
