from __future__ import annotations

import json
from pathlib import Path

import pytest

from langdistill.errors import StoreError, UnknownName
from langdistill.stores.importing import Imported, find_importer, import_traces
from langdistill.stores.sqlite import SQLiteStore


def rows(path: Path, texts: list[str]) -> Path:
    said = [[{"role": "user", "content": text}, {"role": "assistant", "content": "yes"}] for text in texts]
    path.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in said))
    return path


def test_importing_twice_doubles_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    path = rows(tmp_path / "chats.jsonl", [f"{at}" for at in range(250)] + ["0"])
    first = import_traces(path, "openai_chat", store)
    kept = list(store.traces())
    assert (first.traces, first.unmapped, first.reasons) == (251, [], {})
    assert [trace.input[0]["content"] for trace in kept] == [f"{at}" for at in range(250)] + ["0"]
    again = import_traces(str(path), "openai_chat", store)
    assert again == first
    assert list(store.traces()) == kept
    store.close()


def test_a_folder_with_damage_is_imported_as_far_as_it_goes(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    folder = tmp_path / "in"
    folder.mkdir()
    path = rows(folder / "a.jsonl", ["1", "2"])
    path.write_text(path.read_text() + '{"messages": [\n')
    (folder / "b.json").write_text("")
    became = import_traces(folder, "openai_chat", store)
    assert became.traces == len(list(store.traces())) == 2
    assert became.reasons == {"empty": 1, "no-json": 1}
    assert [one.where for one in became.unmapped] == ["a.jsonl, row 3", "b.json"]
    store.close()


def test_of_two_traces_with_one_id_the_first_is_kept_and_the_other_told(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    path = tmp_path / "own.jsonl"
    path.write_text('{"id": "a", "name": "first"}\n{"id": "a", "name": "second"}\n{"id": "b"}\n')
    became = import_traces(path, "langdistill", store)
    assert (became.traces, became.reasons) == (2, {"doubled-id": 1})
    assert became.unmapped[0].where == "trace a"
    assert [trace.name for trace in store.traces()] == ["first", ""]
    copies = tmp_path / "copies"
    copies.mkdir()
    for name in ("x", "y"):
        rows(copies / f"{name}.jsonl", ["1"])
    assert import_traces(copies, "fireact", store).traces == 2  # equal rows of two files are two
    store.close()


def test_unknown_formats_and_missing_files_are_told_before_anything_is_written(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    with pytest.raises(UnknownName, match=r"no format named 'openai'.*openai_chat"):
        import_traces(tmp_path, "openai", store)
    with pytest.raises(UnknownName):
        find_importer("../importing")
    with pytest.raises(StoreError, match=r"no file or folder.*gone"):
        import_traces(tmp_path / "gone", "openai_chat", store)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert import_traces(empty, "openai_chat", store).reasons == {"no-files": 1}
    assert not list(store.traces())
    store.close()


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "t.db")
    store.close()
    with pytest.raises(StoreError, match="cannot be written"):
        import_traces(rows(tmp_path / "a.jsonl", ["1"]), "openai_chat", store)


def test_every_format_is_found_by_its_name() -> None:
    for name in ("langdistill", "openai_chat", "swe_agent", "fireact", "toolbench", "inspect_ai"):
        assert find_importer(name).__module__.endswith(f"importers.{name}")
    assert Imported().reasons == {}
