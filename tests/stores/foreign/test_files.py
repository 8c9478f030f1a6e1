from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from langdistill.records import Trace
from langdistill.stores.foreign.documents import Document, documents
from langdistill.stores.foreign.made import Ids, trace_of
from langdistill.stores.foreign.plain import DEEPEST, loads, made_plain
from langdistill.stores.foreign.values import a_time
from langdistill.stores.importing import Unmapped


def found(path: Path) -> list[Any]:
    return [(one.where, one.value if isinstance(one, Document) else one.reason) for one in documents(path)]


def read(tmp_path: Path, data: bytes) -> list[Any]:
    (tmp_path / "f").write_bytes(data)
    return [(where.removeprefix("f"), value) for where, value in found(tmp_path / "f")]


@pytest.mark.parametrize(
    ("data", "documents"),
    [
        (b'{"a": 1}', [("", {"a": 1})]),
        (b'{"a": 1}\n', [("", {"a": 1})]),
        (b'{\n "a": [\n {"b": 1}\n ]\n}', [("", {"a": [{"b": 1}]})]),
        (b"[\n[1],\n[2]\n]", [("", [[1], [2]])]),
        (b'{"a": 1}\n{"a": 2}\n', [(", row 1", {"a": 1}), (", row 2", {"a": 2})]),
        (b'{"a": 1}\r\n\r\n{"a": 2}\r\n', [(", row 1", {"a": 1}), (", row 3", {"a": 2})]),
        (b'\xef\xbb\xbf{"a": 1}', [("", {"a": 1})]),
        (b'\xef\xbb\xbf{"a": 1}\n{"a": 2}', [(", row 1", {"a": 1}), (", row 2", {"a": 2})]),
        ('{"a": "é"}'.encode("utf-16"), [("", {"a": "é"})]),
        (b"", [("", "empty")]),
        (b" \n\n", [("", "empty")]),
        (b"\xef\xbb\xbf", [("", "empty")]),
        (b"Hello", [("", "no-json")]),
        (b'{"a": 1', [("", "no-json")]),
        (b'{\n"a": [\n1,\n2', [("", "no-json")]),
        (b'{"a": 1}\n{"a": \n{"a": 3}', [(", row 1", {"a": 1}), (", row 2", "no-json"), (", row 3", {"a": 3})]),
        (b'{"a": \n{"a": 2}\n{"a": 3}', [(", row 1", "no-json"), (", row 2", {"a": 2}), (", row 3", {"a": 3})]),
        (b'{"a": 1}\n{"a": "\xff"}', [(", row 1", {"a": 1}), (", row 2", "no-unicode"), (", row 2", {"a": "\\udcff"})]),
        (b'{"a": 1}\n' + b"[" * 100_000, [(", row 1", {"a": 1}), (", row 2", "too-deep")]),
        (b'{"a": 1}\n' + b"9" * 5000, [(", row 1", {"a": 1}), (", row 2", "no-number"), (", row 2", "9" * 5000)]),
    ],
)
def test_files_whole_and_damaged(tmp_path: Path, data: bytes, documents: list[Any]) -> None:
    assert read(tmp_path, data) == documents


def test_a_line_of_five_megabytes(tmp_path: Path) -> None:
    long = json.dumps({"a": "x" * 5_000_000})
    assert read(tmp_path, f'{long}\n{{"a": 1}}\n{long[:-1]}\n'.encode()) == [
        (", row 1", {"a": "x" * 5_000_000}),
        (", row 2", {"a": 1}),
        (", row 3", "no-json"),
    ]


def test_a_folder_is_read_in_order_and_what_is_no_json_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/x.jsonl").write_text("1\n2\n")
    (tmp_path / "a.json").write_text("[3]")
    (tmp_path / "notes.md").write_text("4")
    (tmp_path / "dir.json").mkdir()
    assert found(tmp_path) == [("a.json", [3]), ("b/x.jsonl, row 1", 1), ("b/x.jsonl, row 2", 2)]
    assert found(tmp_path / "notes.md") == [("notes.md", 4)]  # one that was named is read, whatever its name
    assert found(tmp_path / "dir.json") == [("dir.json", "no-files")]


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    os.symlink(tmp_path / "gone", tmp_path / "a.json")
    assert found(tmp_path / "a.json") == [("a.json", "unreadable")]


def test_what_a_store_cannot_keep_is_kept_as_text() -> None:
    text = (
        '{"a": ["\\ud800x", NaN, -Infinity, 1e999, 18446744073709551616, 5, true, null], "\\udfff": "\\ud83d\\ude00"}'
    )
    assert loads(text) == {
        "a": ["\\ud800x", "NaN", "-Infinity", "Infinity", "18446744073709551616", 5, True, None],
        "\\udfff": "😀",
    }


def test_the_deepest_value_that_is_read_can_be_stored_and_read_back() -> None:
    value: Any = 1
    for _ in range(DEEPEST):
        value = [value]
    trace = trace_of("f", id="a", metadata={"deep": made_plain(value)})
    assert isinstance(trace, Trace)
    assert Trace.model_validate_json(trace.model_dump_json()) == trace


def test_a_trace_that_no_store_could_keep_is_unmapped() -> None:
    assert trace_of("f", id=5) == Unmapped(where="f", reason="no-trace", detail="id: Input should be a valid string")
    lone = trace_of("f", id="\ud800")
    assert isinstance(lone, Unmapped)
    assert "surrogates" in lone.detail


def test_ids_tell_equal_rows_apart_and_not_the_order_of_keys() -> None:
    ids = Ids("x")
    first = ids.of({"a": 1, "b": 2})
    assert ids.of({"b": 2, "a": 1}) == f"{first}-2"
    assert Ids("x").of({"a": 1, "b": 2}) == first != Ids("y").of({"a": 1, "b": 2})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-05-12T20:27:30+00:00", 1747081650.0),
        ("2025-05-12T20:27:30Z", 1747081650.0),
        (5, 5.0),
        ("yesterday", 0.0),
        ("9999-12-31T23:59:59-23:59", 253402387139.0),
        (None, 0.0),
        (float("inf"), 0.0),
    ],
)
def test_times(value: Any, expected: float) -> None:
    assert a_time(value) == expected
