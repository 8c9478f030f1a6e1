from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from langdistill import TraceRecorder
from langdistill.errors import StoreError
from langdistill.stores.sqlite import SQLiteStore
from tests.recording.accounts import agent, asked, events_of, run, said, settled, stored, warnings_in

SMALL = 1 << 20
"""Bytes of a journal that is soon full: 16 files of 64 KiB."""
LONG = "x" * 3000


# disk full


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A real file system of its own."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True).returncode:
        assert not os.environ.get("LANGDISTILL_CI"), "these tests must not be skipped here: run them as root"
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "size=3m") as folder:
        yield folder


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    for size in (1 << 16, 1 << 12):
        try:
            while os.write(file, bytes(size)) == size:
                pass
        except OSError:
            continue
    os.close(file)
    return ballast


def test_a_full_disk_costs_the_newest_events_and_all_of_them_are_counted(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = TraceRecorder(disk / "t.db", journal_bytes=SMALL)
    before = run(recorder, 3)
    assert len(settled(recorder)) == 3
    ballast = fill(disk)
    during = run(recorder, 30, LONG)
    assert not recorder.flush(0.5)
    assert 0 < recorder.lost < during.count
    ballast.unlink()
    time.sleep(1.5)  # a full disk is asked for room once a second
    after = run(recorder, 3)
    traces = settled(recorder)
    assert events_of(traces) + recorder.lost == before.count + during.count + after.count
    assert [one.lost for one in traces[-3:]] == [0, 0, 0], "recording goes on"
    assert sum(one.lost for one in traces) <= recorder.lost
    recorder.close()
    assert recorder.lost == sum(recorder.losses.values())
    told = warnings_in(caplog)
    assert [sum(text in one for one in told) for text in ("store fails", "gets no room", "lost")] == [1, 1, 1], told


def test_a_disk_that_is_full_at_the_start_is_told_by_an_error(disk: Path, impatient: Path) -> None:
    fill(disk)
    with pytest.raises(StoreError, match=r"full|No space"):
        TraceRecorder(disk / "t.db")
    with pytest.raises(StoreError, match="Make room there, or give another folder"):
        TraceRecorder(impatient, journal=disk / "journal")
    assert not list(disk.glob("**/*.journal"))


# read-only


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "size=64m") as folder:
        TraceRecorder(folder / "t.db").close()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder


def test_a_read_only_place_is_told_by_an_error(read_only: Path, tmp_path: Path) -> None:
    for target in (read_only / "t.db", read_only / "new.db"):
        with pytest.raises(StoreError, match=r"read-?only|unable to open"):
            TraceRecorder(target, journal=tmp_path / "journal")
    with pytest.raises(StoreError, match="give another folder"):
        TraceRecorder(tmp_path / "t.db", journal=read_only / "journal")


SWITCHED_ON = """
from tests.recording.accounts import agent, asked, said
import langdistill
print(said(agent().invoke(asked())))
"""


def test_an_agent_that_is_told_to_record_where_nothing_can_be_written_runs_as_ever(read_only: Path) -> None:
    env = os.environ | {"LANGDISTILL_TRACE": str(read_only / "t.db")}
    done = subprocess.run([sys.executable, "-c", SWITCHED_ON], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, str(said(agent().invoke(asked()))))
    assert done.stderr.count("nothing is recorded") == 1


# locked

LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    words = [sys.executable, "-c", LOCK, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"locked\n"
        yield
        other.communicate()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A store that waits for others only so long that a test can see what happens then."""
    monkeypatch.setitem(SQLiteStore.__init__.__kwdefaults__, "patience", 0.2)
    return tmp_path / "t.db"


def test_a_locked_store_loses_nothing_while_the_journal_has_room(
    impatient: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = TraceRecorder(impatient)
    with locked(impatient):
        counted = run(recorder, 20)
        assert not recorder.flush(1)
    traces = settled(recorder)
    assert (len(traces), events_of(traces), recorder.lost) == (20, counted.count, 0)
    assert len([one for one in warnings_in(caplog) if "store fails" in one]) == 1
    recorder.close()


def test_a_store_that_stays_locked_costs_the_newest_events(impatient: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = TraceRecorder(impatient, journal_bytes=SMALL)
    with locked(impatient):
        during = run(recorder, 200, LONG)
        lost = recorder.lost
        assert 0 < lost < during.count
        files = list(Path(f"{impatient}.journal.d").glob("*/*.journal"))
        assert sum(one.stat().st_size for one in files) <= SMALL
    before = settled(recorder)
    after = run(recorder, 5)
    traces = settled(recorder)
    assert events_of(traces) + recorder.lost == during.count + after.count
    assert before[0].lost == 0
    assert [one.lost for one in traces[-5:]] == [0] * 5
    assert len([one for one in warnings_in(caplog) if "lost" in one]) == 1
    recorder.close()


def test_what_a_locked_store_does_not_take_before_the_end_is_taken_in_at_the_next_start(impatient: Path) -> None:
    recorder = TraceRecorder(impatient)
    with locked(impatient):
        counted = run(recorder, 3)
        recorder.close()
    assert recorder.lost == 0
    with TraceRecorder(impatient) as later:
        assert events_of(settled(later)) == counted.count
    later.close()
    assert not Path(f"{impatient}.journal.d").exists()


@pytest.mark.slow
def test_memory_is_bounded_while_the_store_is_locked(impatient: Path) -> None:
    recorder = TraceRecorder(impatient, journal_bytes=16 << 20)
    text = "y" * 200_000

    def grown() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    with locked(impatient):
        run(recorder, 100, text)
        until_full = recorder.lost
        assert until_full, "the journal is full"
        middle = grown()
        run(recorder, 200, text)
        assert recorder.lost > until_full
        assert grown() - middle < 48 << 20, "the journal's 16 MiB, and what Python keeps for itself"
    recorder.close()


# the journal is damaged

VICTIM = """
import os, signal, sys
from tests.recording.accounts import run
from langdistill import TraceRecorder
from langdistill.testing.memory import MemoryStore
class Deaf(MemoryStore):
    target = sys.argv[1]
    def add(self, traces):
        import time
        time.sleep(60)
recorder = TraceRecorder(Deaf(), journal_bytes=1 << 20)
print(run(recorder, 5).count, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def abandoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A journal that nothing was delivered of, and how many events it holds."""
    folder = tmp_path_factory.mktemp("abandoned")
    words = [sys.executable, "-c", VICTIM, str(folder / "t.db")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return folder / "t.db.journal.d", int(done.stdout)


def taken_in(abandoned: Path, place: Path, damage: Any) -> tuple[int, int]:
    """Events in traces and events lost, of a copy of the journal that was damaged."""
    place.mkdir()
    shutil.copytree(abandoned, place / "t.db.journal.d")
    journal = min(place.glob("t.db.journal.d/*/*.journal"))  # the first one holds them all, and the other is spare
    raw = bytearray(journal.read_bytes())
    journal.write_bytes(damage(raw, len(raw.rstrip(b"\0"))))
    with TraceRecorder(place / "t.db") as recorder:
        traces = settled(recorder)
    recorder.close()
    assert len({one.id for one in traces}) == len(traces)
    assert not (place / "t.db.journal.d").exists()
    return events_of(traces), recorder.lost


def test_every_event_of_a_damaged_journal_is_in_a_trace_or_counted(abandoned: tuple[Path, int], tmp_path: Path) -> None:
    journal, count = abandoned
    assert taken_in(journal, tmp_path / "whole", lambda raw, end: raw) == (count, 0)
    chance = random.Random(5)
    for at in range(60):
        place = 16 if at == 0 else None

        def corrupt(raw: bytearray, end: int, place: int | None = place) -> bytearray:
            raw[place or chance.randrange(end)] ^= chance.randrange(1, 256)
            return raw

        found, lost = taken_in(journal, tmp_path / f"corrupt{at}", corrupt)
        assert found + lost == count
        assert lost < count / 2
    for at in range(20):
        found, lost = taken_in(journal, tmp_path / f"cut{at}", lambda raw, end: raw[: chance.randrange(64, end)])
        assert (found + lost, lost > 0) == (count, True)


def test_a_journal_is_taken_in_though_the_file_of_its_store_is_gone(
    abandoned: tuple[Path, int], tmp_path: Path
) -> None:
    assert not (abandoned[0].parent / "t.db").exists()
    assert taken_in(abandoned[0], tmp_path / "new", lambda raw, end: raw) == (abandoned[1], 0)


def test_a_journal_is_taken_in_by_one_of_two_recorders_that_start_at_once(
    abandoned: tuple[Path, int], tmp_path: Path
) -> None:
    shutil.copytree(abandoned[0], tmp_path / "t.db.journal.d")
    started: list[TraceRecorder] = []
    threads = [threading.Thread(target=lambda: started.append(TraceRecorder(tmp_path / "t.db"))) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for one in started:
        one.close()
    assert (sum(one.lost for one in started), events_of(stored(tmp_path / "t.db"))) == (0, abandoned[1])


def test_a_store_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_text("this is no database, and long enough to be looked at as one" * 100)
    with pytest.raises(StoreError, match="not a database"):
        TraceRecorder(tmp_path / "t.db")


def test_a_store_that_was_opened_by_the_caller_keeps_its_journal_beside_its_file(tmp_path: Path) -> None:
    recorder = TraceRecorder(SQLiteStore(tmp_path / "t.db"))
    assert (tmp_path / "t.db.journal.d").is_dir()
    recorder.close()
