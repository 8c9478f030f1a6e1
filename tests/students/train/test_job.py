from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill.lab import WEIGHTS
from langdistill.students.train.job import planned
from langdistill.students.train.recipe import Recipe
from tests.trained import FEW, row, write


def fingerprint(data: Path, recipe: Recipe = FEW, seed: int = 0, objective: Any = "sft") -> str:
    return planned(data, WEIGHTS, data.parent / "s", objective=objective, recipe=recipe, seed=seed).fingerprint


def test_what_decides_the_weights_decides_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(tmp_path / "data", [row("What?", "yes")])
    usual = fingerprint(data)
    assert usual == fingerprint(data, FEW.model_copy(update={"epochs": 2, "dropout": 0})), "spelt otherwise"
    assert usual == fingerprint(data, Recipe(**FEW.model_dump()))
    others = {fingerprint(data, seed=1), fingerprint(data, FEW.model_copy(update={"rank": 8})),
              fingerprint(write(tmp_path / "other", [row("What?", "no")], hash="def"))}  # fmt: skip
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    others.add(fingerprint(data))
    assert len(others | {usual}) == 5
