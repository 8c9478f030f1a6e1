from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet
import pytest

from langdistill.errors import StoreError, UnknownName
from langdistill.records import Call, Feedback, Trace
from langdistill.stores.exporting import export_traces
from langdistill.stores.protocol import Where
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.memory import MemoryStore
from langdistill.testing.store_conformance import ODD, full, numbered
from tests.test_extras import told

WHOLE = full().model_copy(update={"feedback": [Feedback(score=0.5, comment=ODD, at=3.0)]})


def store_of(*traces: Trace) -> MemoryStore:
    store = MemoryStore()
    store.add(traces)
    return store


def test_lines_are_exact(tmp_path: Path) -> None:
    assert export_traces(store_of(WHOLE, *numbered(3)), tmp_path / "o.jsonl") == 4
    lines = (tmp_path / "o.jsonl").read_text().splitlines()
    assert [Trace.model_validate(json.loads(line)) for line in lines] == [WHOLE, *numbered(3)]
    assert all(json.loads(line)["version"] == 2 for line in lines)


def test_parquet_has_columns(tmp_path: Path) -> None:
    assert export_traces(store_of(WHOLE, *numbered(3)), tmp_path / "o.parquet", Where(graph="agent")) == 1
    [row] = pyarrow.parquet.read_table(tmp_path / "o.parquet").to_pylist()
    assert (row["id"], row["problem"], row["user"], row["seconds"], row["outcome"]) == ("full", "p", "u", 2.5, "failed")
    assert row["started"] == datetime.fromtimestamp(100, UTC)
    assert (row["input_tokens"], row["output_tokens"]) == (7, 5)
    text = ODD.replace("\ud800", "\\ud800")
    assert row["input"] == [
        {
            "role": "user",
            "content": text,
            "name": None,
            "tool_calls": None,
            "tool_call_id": None,
            "reasoning_content": None,
            "blocks": False,
        }
    ]
    assert json.loads(row["output"][0]["tool_calls"]) == [{"id": "c1", "function": {"name": "f"}}]
    assert json.loads(row["output"][1]["content"]) == [{"type": "text", "text": ODD}], (
        "blocks are JSON, which spells them"
    )
    first, second = row["calls"]
    assert [one["role"] for one in second["prompt"]] == ["user", "assistant", "tool"]
    assert first["replies"][0]["message"]["role"] == "assistant"
    assert (first["output_tokens"], first["params"], first["first_token"]) == (2, "{}", None)
    assert json.loads(row["tool_runs"][0]["arguments"]) == {"x": ODD}
    assert row["feedback"] == [{"name": None, "score": 0.5, "comment": text, "at": datetime.fromtimestamp(3, UTC)}]
    assert json.loads(row["metadata"])["problem"] == "p"
    assert row["tags"] == ["a", text]


def test_an_empty_store_is_a_file_without_rows(tmp_path: Path) -> None:
    assert export_traces(store_of(), tmp_path / "o.parquet") == 0
    assert pyarrow.parquet.read_table(tmp_path / "o.parquet").num_rows == 0


def test_every_trace_of_many_row_groups(tmp_path: Path) -> None:
    assert export_traces(store_of(*numbered(1200)), tmp_path / "o.parquet") == 1200
    file = pyarrow.parquet.ParquetFile(tmp_path / "o.parquet")
    assert file.num_row_groups == 3
    assert file.read(["id"]).column("id").to_pylist() == [f"g{at}" for at in range(1200)]


@pytest.mark.parametrize("name", ["o.jsonl", "o.parquet"])
def test_memory_is_bounded(tmp_path: Path, name: str) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    text = "some words to keep " * 5_000  # 95 KB
    for start in range(0, 600, 100):
        store.add([
            Trace(id=f"{start + at}", calls=[Call(id="c", prompt=[{"role": "user", "content": f"{start + at} {text}"}])])
            for at in range(100)
        ])  # fmt: skip
    tracemalloc.start()
    assert export_traces(store, tmp_path / name) == 600
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store.close()
    assert most < 40_000_000, "of 57 MB of text"


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    class Broken(MemoryStore):
        def traces(self, where=None, *, newest=None):  # type: ignore[no-untyped-def, override]
            yield full()
            raise StoreError("the store went away")

    for name in ("o.jsonl", "o.parquet"):
        export_traces(store_of(full()), tmp_path / name)
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StoreError, match="went away"):
            export_traces(Broken(), tmp_path / name, overwrite=True)
        assert (tmp_path / name).read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["o.jsonl", "o.parquet"]
    with pytest.raises(StoreError, match="exists"):
        export_traces(store_of(), tmp_path / "o.jsonl")
    with pytest.raises(UnknownName, match=r"Known: \.jsonl, \.parquet"):
        export_traces(store_of(), tmp_path / "o")


def test_without_its_extra(tmp_path: Path) -> None:
    statement = (
        "from langdistill.testing.memory import MemoryStore; from langdistill.stores.exporting import export_traces; "
        "export_traces(MemoryStore(), 'o.parquet')"
    )
    assert told({"pyarrow"}, statement, tmp_path).endswith("pip install 'langdistill[parquet]'")
    assert not list(tmp_path.iterdir())
