from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from langdistill.errors import StoreError
from langdistill.records import Feedback, Trace
from langdistill.stores.opening import Store, open_store
from langdistill.stores.sqlite import SQLiteStore


def trace(name: str, i: int) -> Trace:
    return Trace(id=f"{name}{i}", name=name, metadata={"problem": f"p{i}"}, strategy="s" if i % 2 else None)


def test_round_trip_and_selection(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    assert isinstance(store, Store)
    store.add([trace("a", i) for i in range(450)] + [trace("b", 1)])
    store.add([trace("a", 3)])
    assert store.names() == {"a": 450, "b": 1}
    assert [one.id for one in store.traces(graph="a")][:3] == ["a0", "a1", "a2"]
    assert {one.id for one in store.traces(problem="p1")} == {"a1", "b1"}
    assert len(list(store.traces(graph="a", strategy="s"))) == 225
    with pytest.raises(StoreError, match="no trace"):
        store.add_feedback("nothing", Feedback())
    store.close()
    again = open_store(tmp_path / "t.db", must_exist=True)
    assert len(list(again.traces())) == 451
    again.close()


def test_a_missing_store_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no trace store"):
        open_store(tmp_path / "t.db", must_exist=True)
    assert not list(tmp_path.iterdir())


def test_nothing_is_doubled_and_order_is_kept(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    store.add([Trace(id=f"{at}", name="g" if at % 2 else "h") for at in range(450)])
    store.add([Trace(id="0", name="h", answer="new")])
    found = list(store.traces())
    assert [one.id for one in found] == [f"{at}" for at in range(450)]
    assert found[0].answer == "new"
    assert store.names() == {"g": 225, "h": 225}
    assert len(list(store.traces(graph="g"))) == 225
    store.close()


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_bytes(b"no database at all, but long enough to be one" * 50)
    foreign = sqlite3.connect(other)
    foreign.execute("CREATE TABLE a (b)")
    foreign.commit()
    foreign.close()
    for path, said in ((text, "cannot be opened"), (other, "no trace store of schema 1")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=said):
            open_store(path)
        assert path.read_bytes() == before


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    store.add([trace("a", i) for i in range(500)])
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
