"""A run that is killed at 20 random points ends in the pools of one that is not, and no reply that was kept is paid again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def ran(folder: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed.py"), folder, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("saver", "how", "seed"),
    [("memory", "invoke", "1"), ("memory", "ainvoke", "2"), ("sqlite", "invoke", "3"), ("sqlite", "ainvoke", "4")],
)
def test_a_killed_run(tmp_path: Path, saver: str, how: str, seed: str) -> None:
    told = ran(tmp_path, saver, how, seed)
    whole, killed = told["whole"], told["killed"]
    assert [len(whole["outcome"][name]) for name in ("train", "cache", "rounds")] == [6, 70, 3]
    assert killed["outcome"] == whole["outcome"]
    assert killed["ledger"] == whole["ledger"]
    assert len(killed["children"]) == len(told["moments"]) + 1 > 15

    for child in killed["children"]:
        assert not set(child["held"]) & set(child["asked"]), "what was kept is never asked for again"
        assert len(set(child["asked"])) == len(child["asked"])
    asked = [key for child in killed["children"] for key in child["asked"]]
    assert set(asked) == set(killed["kept"]) == set(whole["kept"])
    # that which was under way when it was killed: at most as many as are asked for at a time
    assert len(asked) - len(set(asked)) <= 64 * len(told["moments"])
    assert len(whole["children"][0]["asked"]) == len(whole["kept"]) == sum(whole["ledger"].values())
