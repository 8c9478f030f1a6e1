from __future__ import annotations

import json
from pathlib import Path

import pytest

from langdistill.stores.foreign.documents import Document, documents
from langdistill.stores.foreign.losses import Losses
from langdistill.stores.foreign.plain import DEEPEST, loads
from langdistill.stores.foreign.values import literal, parsed, seconds, unquoted
from langdistill.stores.importing import Unmapped


def test_one_value_lines_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('\ufeff{"a":\n 1}', encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"a": 2}\n\n{"a": \n[3]\n')
    (tmp_path / "c.json").write_bytes('{"a": "ü"}'.encode("utf-16"))
    (tmp_path / "d.JSON").write_text('{"a": "cut o')
    (tmp_path / "e.txt").write_text("{}")
    found = list(documents(tmp_path))
    assert [one if isinstance(one, Document) else (one.where, one.reason) for one in found] == [
        Document("a.jsonl, row 1", {"a": 2}),
        ("a.jsonl, row 3", "no-json"),
        Document("a.jsonl, row 4", [3]),
        Document("b.json", {"a": 1}),
        Document("c.json", {"a": "ü"}),
        ("d.JSON", "no-json"),
    ]


def test_what_no_store_can_hold(tmp_path: Path) -> None:
    text = (
        '{"a\\ud800": NaN, "b": 1e999, "c": ' + "9" * 5000 + ', "d": "x\\u0000", "e": 18446744073709551615, "f": 1.5}'
    )
    (tmp_path / "a.json").write_text(text)
    *told, document = documents(tmp_path / "a.json")
    assert isinstance(document, Document)
    assert document.value == {
        "a\\ud800": "NaN",
        "b": "Infinity",
        "c": "9" * 5000,
        "d": "x\\x00",
        "e": "18446744073709551615",
        "f": 1.5,
    }
    assert sorted(one.reason for one in told if isinstance(one, Unmapped)) == ["no-number"] * 4 + ["no-unicode"] * 2


@pytest.mark.parametrize("levels", [DEEPEST - 1, DEEPEST + 5, 900])
def test_what_is_nested_deeply(levels: int) -> None:
    losses = Losses("")
    value = loads("[" * levels + '"x"' + "]" * levels, losses)
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, value[0]
    assert depth == min(levels, DEEPEST)
    assert json.loads(value) if levels > DEEPEST and value else value in ("x", None)
    assert [one.reason for one in losses.told] == (["too-deep"] if levels > DEEPEST else [])
    with pytest.raises(ValueError, match="too deeply"):
        loads("[" * 100_000)


def test_values_within_values() -> None:
    assert parsed('{"a": 1}') == {"a": 1}
    assert parsed("[not json") == "[not json"
    assert unquoted('"{\\"a\\": \\"b\\"}"') == {"a": "b"}
    assert literal("{'a': (1, None)}") == {"a": [1, None]}
    assert literal("{'a': open('x')}") == "{'a': open('x')}"
    assert literal("{'a': '\\d'}") == {"a": "\\d"}


@pytest.mark.parametrize(
    "told", ["2023-11-14T22:13:20.500Z", "2023-11-14T22:13:20.500", "2023-11-14T23:13:20.500+01:00", 1700000000.5,
             1700000000500, 1700000000500000, "1700000000500000000"])  # fmt: skip
def test_times(told: object) -> None:
    assert seconds(told, Losses(""), "at") == 1700000000.5


def test_no_times() -> None:
    losses = Losses("")
    assert [seconds(told, losses, "at") for told in ("soon", [], True, "9" * 400, None, "")] == [None] * 6
    assert [one.reason for one in losses.told] == ["no-time"] * 4
