from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.card import load_student
from langdistill.students.pilot import agreement_with, pilot
from langdistill.students.train.recipe import MINIATURE
from langdistill.students.train.sft import sft

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

SHORT = MINIATURE.model_copy(update={"epochs": 60, "steps": None, "batch_size": 12})


def write(folder: Path, rows: list[tuple[str, str]]) -> Path:
    folder.mkdir()
    lines = [
        json.dumps({"prompt": [{"role": "user", "content": q}], "completion": [{"role": "assistant", "content": a}]})
        for q, a in rows
    ]
    (folder / "train.jsonl").write_text("\n".join(lines))
    (folder / "manifest.json").write_text('{"hash": "abc"}')
    return folder


ROWS = [
    (f"What is the capital of {name}?", answer)
    for name, answer in zip("ABCDEFGHIJKL", ["yes", "no", "tie"] * 4, strict=True)
]


def test_a_student_learns_its_rows_and_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    told: list[tuple[int, int]] = []
    for out in ("one", "two"):
        student = sft(
            data, WEIGHTS, tmp_path / out, recipe=SHORT, seed=1, on_progress=lambda step, of: told.append((step, of))
        )
    assert student.rows == 12
    assert student.dataset_hash == "abc"
    assert told[-1] == (60, 60)
    one, two = (
        hashlib.sha256((tmp_path / out / "adapter_model.safetensors").read_bytes()).hexdigest()
        for out in ("one", "two")
    )
    assert one == two
    assert not list(tmp_path.glob(".*")), "nothing half-written is left"
    rows = [json.loads(line) for line in (data / "train.jsonl").read_text().splitlines()]
    assert agreement_with(load_student(tmp_path / "one"), rows) > 0.5


def test_what_cannot_be_trained_on_is_told(tmp_path: Path) -> None:
    data = write(tmp_path / "data", ROWS)
    with pytest.raises(DatasetError, match="no data set"):
        sft(tmp_path / "nothing", WEIGHTS, tmp_path / "out")
    with pytest.raises(DatasetError, match="no rows"):
        sft(write(tmp_path / "empty", []), WEIGHTS, tmp_path / "out")
    with pytest.raises(StudentError, match="no model"):
        sft(data, tmp_path, tmp_path / "out")
    with pytest.raises(DatasetError, match="longer than 4 tokens"):
        sft(data, WEIGHTS, tmp_path / "out", recipe=MINIATURE.model_copy(update={"max_length": 4}))
    rows = [{"prompt": [], "completion": [{"role": "assistant", "content": "4"}] * 2, "tools": [{}], "weight": 0.5}]
    (tmp_path / "data" / "train.jsonl").write_text(json.dumps(rows[0]) + "\n")
    with pytest.raises(
        DatasetError, match=r"Of the 1 rows .* 1 have tools, 1 have a weight, 1 have more than one reply; this"
    ):
        sft(data, WEIGHTS, tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(StudentError, match="exists"):
        sft(data, WEIGHTS, tmp_path / "out")
    with pytest.raises(StudentError, match="no student"):
        load_student(tmp_path / "out")


def test_the_pilot_warns_where_nothing_can_be_learnt(tmp_path: Path) -> None:
    scattered = [(f"What is {i} in secret?", hashlib.sha256(str(i).encode()).hexdigest()[:6]) for i in range(30)]
    report = pilot(write(tmp_path / "data", scattered), WEIGHTS, recipe=SHORT.model_copy(update={"epochs": 2}))
    assert report.n == 10
    assert report.student_agreement < 0.3
    assert report.warning
    assert "7.13" in report.warning
