from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from langdistill.errors import StoreBusy, StoreError
from langdistill.records import Feedback, Trace
from langdistill.stores.opening import open_store
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.store_conformance import full, numbered


def test_a_missing_store_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no trace store"):
        open_store(tmp_path / "t.db", must_exist=True)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_bytes(b"no database at all, but long enough to be one" * 50)
    foreign = sqlite3.connect(other)
    foreign.execute("CREATE TABLE a (b)")
    foreign.commit()
    foreign.close()
    for path, said in ((text, "cannot be opened"), (other, "no trace store \\(application 0x0\\)")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=said):
            open_store(path)
        assert path.read_bytes() == before


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    store.add(numbered(500, tags=["a longer text, so that bodies take pages"] * 20))
    store.close()
    with (tmp_path / "t.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 10)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        list(open_store(tmp_path / "t.db", must_exist=True).traces())


def test_processes_that_make_one_store_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from langdistill.records import Feedback, Trace; from langdistill.stores.sqlite import SQLiteStore\n"
        "store = SQLiteStore('t.db'); store.add([Trace(id=sys.argv[1], name='g')]); store.close()"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(i)], cwd=tmp_path) for i in range(8)]
    assert [one.wait(timeout=100) for one in started] == [0] * 8
    store = SQLiteStore(tmp_path / "t.db", must_exist=True)
    assert {trace.id for trace in store.traces()} == {str(i) for i in range(8)}
    store.close()


def test_an_empty_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "t.db").touch()
    with pytest.raises(StoreError, match="no trace store"):
        SQLiteStore(tmp_path / "t.db", must_exist=True)
    assert not (tmp_path / "t.db").stat().st_size


SCHEMA_1 = """
CREATE TABLE trace (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, strategy TEXT, problem TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX trace_name ON trace (name);
CREATE INDEX trace_problem ON trace (problem);
PRAGMA application_id=0x4C644953;
PRAGMA user_version=1;
"""
"""As release 0.1.0 made it."""

BODIES_1 = {
    "asked": '{"id":"asked","name":"g","thread":"t","input":[{"role":"user","content":"Q"}],"interrupted":true,"started":5.0}',
    "said": '{"id":"said","name":"g","strategy":"s","metadata":{"problem":"p"},"calls":[{"id":"c","candidate":true,'
    '"prompt":[{"role":"user","content":"Q"}],"replies":[{"message":{"role":"assistant","content":"4"}}],'
    '"usage":{"input_tokens":3,"output_tokens":2}}],"feedback":[{"score":1.0,"comment":"good","at":9.0}],"started":6.0,"ended":7.0}',
    "broke": '{"id":"broke","name":"h","error":"RuntimeError(\'down\')"}',
}


@pytest.fixture
def schema_1(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    db = sqlite3.connect(path)
    db.executescript(SCHEMA_1)
    for at, (name, body) in enumerate(BODIES_1.items(), 1):
        db.execute("INSERT INTO trace VALUES (?, ?, ?, NULL, ?, ?)", [at, name, "g", name, body])
    db.commit()
    db.close()
    return path


def test_a_file_of_schema_1_is_taken_on(schema_1: Path) -> None:
    for _ in range(2):
        store = SQLiteStore(schema_1, must_exist=True)
        asked, said, broke = store.traces()
        assert (asked.id, asked.outcome, asked.interrupted, asked.thread, asked.version) == (
            "asked",
            "interrupted",
            True,
            "t",
            2,
        )
        assert said.calls[0].replies[0].message == {"role": "assistant", "content": "4"}
        assert said.feedback == [Feedback(score=1.0, comment="good", at=9.0)]
        assert (broke.outcome, broke.error) == ("failed", "RuntimeError('down')")
        assert [(row.id, row.output_tokens, row.seconds, row.scores) for row in store.rows()] == [
            ("asked", 0, 0.0, []), ("said", 2, 1.0, [1.0]), ("broke", 0, 0.0, []),
        ]  # fmt: skip
        store.close()
    assert sqlite3.connect(schema_1).execute("PRAGMA user_version").fetchone() == (3,)


def test_a_migration_that_fails_changes_nothing(schema_1: Path) -> None:
    db = sqlite3.connect(schema_1)
    db.execute("UPDATE trace SET body = 'no trace' WHERE id = 'said'")
    db.commit()
    with pytest.raises(StoreError, match="damaged"):
        SQLiteStore(schema_1)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM trace").fetchone() == (3,)
    db.close()


def test_processes_that_take_an_old_file_on_at_once(schema_1: Path) -> None:
    script = "import sys; from langdistill.stores.sqlite import SQLiteStore; print(len(list(SQLiteStore(sys.argv[1]).traces())))"
    started = [
        subprocess.Popen([sys.executable, "-c", script, schema_1], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [one.communicate(timeout=100)[0].strip() for one in started] == ["3"] * 4


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "t.db").close()
    db = sqlite3.connect(tmp_path / "t.db")
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StoreError, match=r"schema 99, and this release knows up to 3\. Update langdistill"):
        SQLiteStore(tmp_path / "t.db")


def test_a_locked_file_is_busy_and_not_broken(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db", patience=0.05)
    holder = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusy, match=r"was locked by others for 0\.05 seconds and could not be written"):
        store.add([full()])
    assert list(store.traces()) == [], "who reads does not wait for who writes"
    holder.execute("ROLLBACK")
    holder.close()
    store.add([full()])
    assert list(store.traces()) == [full()]
    store.close()


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    store.add([full()])
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError, match=r"cannot be written: database or disk is full\. Free some space") as told:
        store.add(numbered(500, tags=[os.urandom(500).hex()]))
    assert not isinstance(told.value, StoreBusy)
    assert list(store.traces()) == [full()]
    store._db.execute(f"PRAGMA max_page_count={pages * 100}")
    store.add(numbered(3))
    assert len(list(store.traces())) == 4
    store.close()


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of somebody else's, in which this process may only read: root may do anything, so it steps down."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        SQLiteStore(folder / "t.db").close()
        (folder / "t.db").chmod(0o444)
        folder.chmod(0o555)
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_read_only_file_is_told(unprivileged: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened: .*(Make the file and its folder writable|Give a path)"):
        SQLiteStore(unprivileged / "t.db").add([full()])
    with pytest.raises(StoreError, match=r"unable to open database file\. Give a path whose folder is there"):
        SQLiteStore(unprivileged / "other.db")


def test_all_or_none_and_what_json_cannot_hold(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    with pytest.raises(StoreError, match=r"Trace 'odd' cannot be stored: .*not JSON serializable"):
        store.add([*numbered(3), Trace(id="odd", metadata={"lock": threading.Lock()})])
    assert list(store.traces()) == []
    store.close()


def test_what_is_removed_is_in_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    store = SQLiteStore(path)
    secret = "canary-4711"
    keep = [one.model_copy(update={"tags": [os.urandom(200).hex()]}) for one in numbered(300)]
    gone = [
        Trace(id=f"{secret}-{at}", user=secret, thread=secret, error=secret, tags=[os.urandom(300).hex()], name="g")
        for at in range(300)
    ]
    store.add([one for pair in zip(keep, gone, strict=True) for one in pair])
    store.add_feedback(f"{secret}-1", Feedback(comment=secret))
    bodies = [body[40:80] for (body,) in store._db.execute("SELECT body FROM trace WHERE user_id = ?", [secret])]

    def found() -> int:
        files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        return sum(piece in files for piece in [secret.encode(), *bodies])

    assert found() == 301
    assert store.remove(one.id for one in gone) == 300
    assert found() == 0
    assert list(store.traces()) == keep
    store.close()
    assert found() == 0


def test_a_reader_that_keeps_the_text_alive_is_told(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db", patience=0.05)
    store.add([full()])
    reader = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM trace").fetchone() == (1,)
    with pytest.raises(StoreBusy, match=r"Close what reads it, and remove them again"):
        store.remove(["full"])
    reader.close()
    assert store.remove(["full"]) == 0
    assert b"canary" not in (tmp_path / "t.db").read_bytes()
    store.close()


def test_a_file_of_schema_2_groups_runs_by_their_question(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    asked = Trace(id="1", input=[{"role": "user", "content": "2+2?"}])
    store.add([asked, Trace(id="2", metadata={"problem": "p"})])
    store.close()
    with sqlite3.connect(tmp_path / "t.db") as db:
        db.execute("UPDATE trace SET problem = '1' WHERE id = '1'")
        db.execute("PRAGMA user_version = 2")
    store = SQLiteStore(tmp_path / "t.db")
    assert list(store.problems()) == ["p", asked.problem]
    assert asked.problem.startswith("question-")
    store.close()
