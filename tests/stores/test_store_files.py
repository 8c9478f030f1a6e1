from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from langdistill.errors import StoreError
from langdistill.records import Feedback, Trace
from langdistill.stores.opening import open_store
from langdistill.stores.sqlite import SQLiteStore


def test_nothing_is_doubled_and_order_is_kept(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    store.add([Trace(id=f"{at}", name="g" if at % 2 else "h") for at in range(450)])
    store.add([Trace(id="0", name="h", answer="new")])
    found = list(store.traces())
    assert [one.id for one in found] == [f"{at}" for at in range(450)]
    assert found[0].answer == "new"
    assert store.names() == {"g": 225, "h": 225}
    assert len(list(store.traces(graph="g"))) == 225
    with pytest.raises(StoreError, match="no trace"):
        store.add_feedback("nothing", Feedback())
    store.close()


def test_a_missing_store_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no trace store"):
        open_store(tmp_path / "t.db", must_exist=True)
    assert not list(tmp_path.iterdir())


def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_bytes(b"no database at all, but long enough to be one" * 50)
    foreign = sqlite3.connect(other)
    foreign.execute("CREATE TABLE a (b)")
    foreign.commit()
    foreign.close()
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(StoreError):
            open_store(path)
        assert path.read_bytes() == before


def test_a_corrupt_page_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    store = SQLiteStore(path)
    store.add([Trace(id=f"{at}", name="x" * 500) for at in range(300)])
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    whole = bytearray(path.read_bytes())
    whole[4096 * 5 : -4096] = b"\xff" * (len(whole) - 4096 * 6)
    path.write_bytes(whole)
    with pytest.raises(StoreError):
        list(open_store(path, must_exist=True).traces())
