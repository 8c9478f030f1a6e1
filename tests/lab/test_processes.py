from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from langdistill.errors import MissingExtra, StudentError, UnknownName
from langdistill.lab.processes import Progress, side_by_side


def square(number: int, progress: Progress) -> tuple[int, int]:
    progress(f"square {number}", 1, 1)
    return number * number, os.getpid()


def refuse(number: int, progress: Progress) -> None:
    if number:
        time.sleep(60)
    raise UnknownName("number", "zero", ["one"])


def vanish(number: int, progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_by_name_and_progress_is_told() -> None:
    told: list[str] = []
    found = side_by_side(
        square, {"two": (2,), "three": (3,)}, jobs=2, progress=lambda step, done, of: told.append(step)
    )
    assert {name: result for name, (result, _) in found.items()} == {"two": 4, "three": 9}
    assert os.getpid() not in {pid for _, pid in found.values()}
    assert sorted(told) == ["square 2", "square 3"]


def test_one_at_a_time_stays_in_this_process() -> None:
    found = side_by_side(square, {"two": (2,), "three": (3,)}, jobs=1, progress=lambda step, done, of: None)
    assert found == {"two": (4, os.getpid()), "three": (9, os.getpid())}


def test_an_error_ends_the_others() -> None:
    started = time.monotonic()
    with pytest.raises(UnknownName, match=r"There is no number named 'zero'. Known: one"):
        side_by_side(refuse, {"a": (0,), "b": (1,)}, jobs=2, progress=lambda step, done, of: None)
    assert time.monotonic() - started < 50
    assert not active_children()


def test_a_process_that_was_killed_is_told() -> None:
    with pytest.raises(StudentError, match="A worker process was killed"):
        side_by_side(vanish, {"a": (0,), "b": (1,)}, jobs=2, progress=lambda step, done, of: None)


@pytest.mark.parametrize("error", [UnknownName("task", "x", ["b", "a"]), MissingExtra("torch", "train")])
def test_errors_cross_processes_whole(error: Exception) -> None:
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_leaves_with_130_and_the_next_run_goes_on(jobs: str, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "langdistill",
        "demo",
        "--task",
        "letters",
        "--task",
        "coin",
        "--jobs",
        jobs,
        "--out",
        "out",
    ]
    ran = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 100
    while not list(tmp_path.glob("out.partial/*/seed-0/evaluations/system1.json")):
        assert time.monotonic() < until
        assert ran.poll() is None
        time.sleep(0.2)
    ran.send_signal(signal.SIGINT)
    _, said = ran.communicate(timeout=60)
    assert ran.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob("out.partial/*/seed-0/evaluations/system1.json")), "what was finished is kept"
    until = time.monotonic() + 20
    while subprocess.run(["pgrep", "-g", str(ran.pid)], stdout=subprocess.DEVNULL, check=False).returncode == 0:
        assert time.monotonic() < until, "a worker is left behind"
        time.sleep(0.2)
