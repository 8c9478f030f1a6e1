"""A kill at any point of a write leaves either the old data set or the new one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from langdistill import folders
from langdistill.folders import recovered, written_beside


def ran(folder: Path, *words: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, script, folder, *words], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return told["hashes"], told["outcomes"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exchange", "fallback"])
def test_killed_before_every_event_at_a_file(tmp_path: Path, way: str) -> None:
    hashes, outcomes = ran(tmp_path, "events", way)
    found = Counter(one["hash"] for one in outcomes)
    assert set(found) == set(hashes.values()), "the old one, then the new one"
    assert len(outcomes) > 40
    order = [one["hash"] for one in outcomes]
    assert order == [hashes["old"]] * found[hashes["old"]] + [hashes["new"]] * found[hashes["new"]]
    assert [one["survived"] for one in outcomes] == [False] * (len(outcomes) - 1) + [True]
    assert all(one["after"] == ["data"] for one in outcomes), "the next write cleans up"
    left = {name for one in outcomes for name in one["left"]}
    if way == "exchange":
        assert all(one["there"] for one in outcomes), "not for a moment is nothing there"
        assert left == {"partial"}
    else:
        assert not all(one["there"] for one in outcomes), "for a moment what stood there is aside"
        assert left == {"partial", "old"}


@pytest.mark.slow
def test_killed_at_any_time(tmp_path: Path) -> None:
    hashes, outcomes = ran(tmp_path, "moments", "exchange")
    assert {one["hash"] for one in outcomes} <= set(hashes.values())
    assert all(one["there"] and one["after"] == ["data"] for one in outcomes)
    assert any(not one["survived"] for one in outcomes)


def aside(folder: Path, process: int, kind: str) -> Path:
    left = folder / f".out.{process}.{kind}"
    left.mkdir()
    (left / "mark").write_text(kind)
    return left


def gone() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_running_process_has_begun_stays(tmp_path: Path) -> None:
    others, dead = aside(tmp_path, os.getppid(), "partial"), aside(tmp_path, gone(), "partial")
    mine = tmp_path / ".outer.1.partial"
    mine.mkdir()
    with written_beside(tmp_path / "out") as beside:
        (beside / "mark").write_text("new")
    assert others.exists()
    assert not dead.exists()
    assert mine.exists(), "of another place"
    assert (tmp_path / "out" / "mark").read_text() == "new"


def test_what_stood_there_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swapping = aside(tmp_path, os.getppid(), "old")
    assert not recovered(tmp_path / "out").exists(), "that process is still at it"
    monkeypatch.setattr(folders, "SWAP", -1)
    assert (recovered(tmp_path / "out") / "mark").read_text() == "old"
    assert not swapping.exists()


def test_a_name_with_signs_of_patterns(tmp_path: Path) -> None:
    out = tmp_path / "a[1]*"
    left = tmp_path / f".a[1]*.{gone()}.old"
    left.mkdir()
    assert recovered(out) == out
    assert out.is_dir()


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mark").write_text("old")
    monkeypatch.setattr(folders, "exchanged", lambda one, other: False)
    with pytest.raises(FileNotFoundError), written_beside(tmp_path / "out") as beside:
        beside.rmdir()
    assert (tmp_path / "out" / "mark").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
