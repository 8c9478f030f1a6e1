from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
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


def listen_to_ctrl_c() -> None:
    """What a shell starts in the background ignores SIGINT, and so does whatever it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def running_demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`langdistill demo` on two tasks, with so many jobs, in a process group of its own."""
    words = ["demo", "--task", "letters", "--task", "coin", "--test", "20", "--out", "out", "--jobs", request.param]
    ran = subprocess.Popen(
        [sys.executable, "-m", "langdistill", *words],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=listen_to_ctrl_c,
    )
    try:
        yield ran
    finally:
        with suppress(ProcessLookupError):
            os.killpg(ran.pid, signal.SIGKILL)
        ran.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("running_demo", ["1", "2"], indirect=True)
def test_ctrl_c_leaves_with_130_and_what_was_finished(running_demo: subprocess.Popen[str], tmp_path: Path) -> None:
    finished = "out.partial/*/seed-0/evaluations/system1.json"
    wait_until(lambda: bool(list(tmp_path.glob(finished))) or running_demo.poll() is not None, 200)
    running_demo.send_signal(signal.SIGINT)
    _, said = running_demo.communicate(timeout=80)
    assert running_demo.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(finished))
    wait_until(lambda: not group_lives(running_demo.pid), 30)


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.2)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
