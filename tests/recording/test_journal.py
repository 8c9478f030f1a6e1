from __future__ import annotations

import logging
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langdistill.recording.journal import journal
from langdistill.recording.journal.journal import Journal, LeftBehind, left_behind, of_other_versions
from langdistill.recording.journal.segments import HEAD, RECORD, Entry, Segment

SMALL = 64 << 10
"""Bytes of a file of the smallest journal."""


def event(at: int) -> bytes:
    return b'{"event":%d}' % at * (1 + at % 3)


def written(path: Path, count: int = 12) -> list[Entry]:
    segment = Segment(path, size=4096)
    entries = [segment.append(at % 8, 1 + at % 2, at // 2, event(at)) for at in range(count)]
    segment.close()
    assert all(entries)
    return [one for one in entries if one]


def payloads(path: Path) -> tuple[list[bytes], int]:
    contents = Segment(path).read()
    return [one.payload for one in contents.entries], contents.missing


def left_of(place: Path) -> LeftBehind:
    [left] = left_behind(place)
    return left


def leave(place: Path, journal: Journal) -> None:
    """What a kill leaves: the files as they are, and the lock free."""
    journal.abandon()
    assert any(place.iterdir())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    entries = written(tmp_path / "s")
    contents = Segment(tmp_path / "s").read()
    assert [(one.kind, one.root, one.number, one.payload) for one in contents.entries] == [
        (at % 8, 1 + at % 2, at // 2, event(at)) for at in range(len(entries))
    ]
    assert (contents.missing, contents.delivered) == (0, set())


def test_a_record_cut_at_any_byte_is_missing_and_the_others_are_there(tmp_path: Path) -> None:
    last = written(tmp_path / "s")[-1]
    whole = (tmp_path / "s").read_bytes()
    for cut in range(last.at, last.at + RECORD.size + last.length):
        (tmp_path / "s").write_bytes(whole[:cut])
        assert payloads(tmp_path / "s") == ([event(at) for at in range(11)], 1)


def test_a_file_cut_in_its_head_is_one_loss(tmp_path: Path) -> None:
    written(tmp_path / "s")
    whole = (tmp_path / "s").read_bytes()
    for cut in (1, 8, HEAD - 1):
        (tmp_path / "s").write_bytes(whole[:cut])
        assert payloads(tmp_path / "s") == ([], 1)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_costs_the_records_that_it_hits_and_no_other(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / f"s{time.monotonic_ns()}"
    entries = written(path)
    raw = bytearray(path.read_bytes())
    end = entries[-1].at + RECORD.size + entries[-1].length
    hits = data.draw(st.dictionaries(st.integers(0, end - 1), st.integers(1, 255), min_size=1, max_size=4))
    for at, change in hits.items():
        raw[at] ^= change
    path.write_bytes(raw)
    state = range(2, 4)
    hit = {
        number
        for number, one in enumerate(entries)
        if any(one.at <= at < one.at + RECORD.size + one.length and at - one.at not in state for at in hits)
    }
    found, missing = payloads(path)
    assert found == [event(at) for at in range(len(entries)) if at not in hit]
    head_is_whole = not any(at < 16 for at in hits)
    assert missing == (len(hit) if head_is_whole else 0)
    path.unlink()


def test_what_was_delivered_is_not_read_again_even_if_only_its_beginning_was_marked(tmp_path: Path) -> None:
    one = Journal(tmp_path / "place", most=1 << 20)
    entries = {(root, number): one.append(1, root, number, b"1") for root in (1, 2) for number in range(3)}
    said = [one.append(8, 0, number, b"2") for number in range(2)]
    first, feedback = entries[1, 0], said[0]
    assert first
    assert feedback
    first.deliver()
    feedback.deliver()
    leave(tmp_path / "place", one)
    left = left_of(tmp_path / "place")
    assert [(one.root, one.number) for one in left.entries] == [(0, 1), (2, 0), (2, 1), (2, 2)]
    assert left.missing == 0


def test_a_record_that_was_carried_on_is_there_once_and_in_its_place(tmp_path: Path) -> None:
    one = Journal(tmp_path / "place", most=1 << 20)
    first = one.append(0, 1, 0, b"first")
    one.append(1, 1, 1, b"second")
    assert first
    assert one.carry_on(first)
    leave(tmp_path / "place", one)
    left = left_of(tmp_path / "place")
    assert ([one.payload for one in left.entries], left.missing) == ([b"first", b"second"], 0)
    left.remove()
    assert list(tmp_path.iterdir()) == []


def until(true: object) -> None:
    end = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def fill(one: Journal, root: int = 1) -> list[Entry]:
    """Write until it is full, also after the thread has had time to make room."""
    entries: list[Entry] = []
    while True:
        entry = one.append(1, root, len(entries), bytes(5000))
        if entry is None:
            time.sleep(0.2)
            entry = one.append(1, root, len(entries), bytes(5000))
            if entry is None:
                return entries
        entries.append(entry)


def test_a_full_journal_refuses_and_takes_again_when_something_was_delivered(tmp_path: Path) -> None:
    one = Journal(tmp_path, most=8 * SMALL)
    entries = fill(one)
    files = list(one.folder.glob("*.journal"))
    assert sum(path.stat().st_size for path in files) == 8 * SMALL
    assert len(entries) == 8 * (SMALL // 5000), "its room was used"
    assert one.append(1, 9, 0, b"small") is not None, "what still fits is taken"
    for entry in entries[: len(entries) // 2]:
        entry.deliver()
    one.drop_delivered()
    assert len(list(one.folder.glob("*.journal"))) <= 6
    until(lambda: one.append(1, 1, len(entries), bytes(5000)) is not None)
    for entry in entries[len(entries) // 2 :]:
        entry.deliver()
    one.close()


def test_an_event_that_is_too_large_is_refused_at_once(tmp_path: Path) -> None:
    one = Journal(tmp_path, most=8 * SMALL)
    assert one.append(1, 1, 0, bytes(one.largest + 1)) is None
    assert one.append(1, 1, 0, bytes(one.largest)) is not None
    one.close()


def test_files_are_always_ready_for_who_writes_in_bursts(tmp_path: Path) -> None:
    one = Journal(tmp_path)
    for number in range(40):  # 40 MB, with pauses shorter than any store takes
        assert one.append(1, 1, number, bytes(1 << 20))
        time.sleep(0.003)
    one.close()


def test_nothing_stays_of_a_journal_that_was_delivered(tmp_path: Path) -> None:
    one = Journal(tmp_path / "a" / "b", most=8 * SMALL)
    entry = one.append(1, 1, 0, b"1")
    assert entry
    entry.deliver()
    one.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert list((tmp_path / "a").iterdir()) == []


def test_what_was_not_delivered_stays(tmp_path: Path) -> None:
    one = Journal(tmp_path / "place", most=8 * SMALL)
    one.append(1, 1, 0, b"1")
    one.close()
    left = left_of(tmp_path / "place")
    assert [entry.payload for entry in left.entries] == [b"1"]
    assert len(list(left.folder.glob("*.journal"))) == 1, "spare files go"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        one = Journal(tmp_path / "place", most=8 * SMALL)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in one.folder.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(one.folder.stat().st_mode) == 0o700
    one.close()


HOLD = """
import sys, time
from pathlib import Path
from langdistill.recording.journal.journal import Journal
journal = Journal(Path(sys.argv[1]), most=1 << 20)
journal.append(1, 1, 0, b"1")
print("ready", flush=True)
time.sleep(60)
"""


def test_the_journal_of_a_living_process_is_not_touched_and_that_of_a_killed_one_is_taken_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout
    assert holder.stdout.readline() == b"ready\n"
    assert list(left_behind(tmp_path)) == []
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    taken: list[LeftBehind] = []
    threads = [threading.Thread(target=lambda: taken.extend(left_behind(tmp_path))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    [left] = taken
    assert [entry.payload for entry in left.entries] == [b"1"]
    left.release()
    left_of(tmp_path).remove()
    assert not tmp_path.exists()


def test_what_is_none_of_ours_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("mine", ".hidden", "12-34", "1-2-3-4"):
        (tmp_path / name).mkdir()
    (tmp_path / "1-1-00000000").write_text("a file, not a folder")
    (tmp_path / "note.txt").write_text("mine")
    other = tmp_path / f"{journal.VERSION + 1}-12-0123abcd"
    other.mkdir()
    (other / "00000001.journal").write_bytes(b"another layout")
    before = sorted(tmp_path.rglob("*"))
    assert list(left_behind(tmp_path)) == []
    assert of_other_versions(tmp_path) == [other]
    assert sorted(tmp_path.rglob("*")) == before


def test_garbage_in_a_folder_of_ours_harms_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = Journal(tmp_path, most=8 * SMALL)
    one.append(1, 1, 0, b"1")
    leave(tmp_path, one)
    (one.folder / "00000007.journal").write_bytes(random.Random(1).randbytes(100_000))
    (one.folder / "00000008.journal").write_bytes(b"")
    (one.folder / "note.txt").write_text("mine")
    with caplog.at_level(logging.WARNING):
        left = left_of(tmp_path)
    assert ([entry.payload for entry in left.entries], left.missing) == ([b"1"], 0)
    left.remove()
    assert [path.name for path in one.folder.iterdir()] == ["note.txt"]


def test_journals_made_and_taken_away_at_once_do_not_hinder_each_other(tmp_path: Path) -> None:
    place = tmp_path / "place"
    done = threading.Event()
    failures: list[BaseException] = []

    def take() -> None:
        while not done.is_set():
            for left in left_behind(place):
                left.remove()

    def make() -> None:
        try:
            for _ in range(60):
                one = Journal(place, most=8 * SMALL)
                assert one.append(1, 1, 0, b"1")
                assert one.folder.is_dir()
                one.close()
        except BaseException as error:
            failures.append(error)

    takers, makers = ([threading.Thread(target=target) for _ in range(2)] for target in (take, make))
    for one in (*takers, *makers):
        one.start()
    for one in makers:
        one.join()
    done.set()
    for one in takers:
        one.join()
    assert failures == []
