from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.containers import read_parquet, rows_in, write_parquet
from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.reading import read_dataset
from langdistill.datasets.shapes import ListOf, Struct, columns_of
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows
from langdistill.records import Trace
from langdistill.testing.memory import MemoryStore
from tests.datasets.formats.examples import AGENT, THINKS, call, example, tokenizer, tool


def varied(group: Group) -> Rows:
    """Rows with and without tools, thinking and weights; no two tools are alike."""
    number, trace = int(group.problem), group.originals[0]
    asks: Any = {
        "role": "assistant",
        "content": None,
        "tool_calls": [call("a", f"f{number}", {f"x{number}": [number, None]})],
    }
    result: Any = {"role": "tool", "content": "r", "tool_call_id": "a"}
    rows = (
        example(),
        THINKS.model_copy(update={"weight": 0.5}),
        example(asks, result, {"role": "assistant", "content": "ok"}, tools=[tool(f"f{number}", **{f"x{number}": {}})]),
    )
    fields = {"messages": trace.input, "problem": group.problem, "trace": trace.id, "traces": [trace.id]}
    return Rows((rows[number % 3].model_copy(update=fields),))


def harvested(count: int = 30) -> Harvest:
    store = MemoryStore()
    store.add(
        Trace(id=f"t{at}", name="g", input=[{"role": "user", "content": f"{at}?"}], metadata={"problem": str(at)})
        for at in range(count)
    )
    return harvest(store).target(varied)


def clean(rows: Any) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_both_containers_have_one_hash_and_the_same_rows(tmp_path: Path) -> None:
    lines = harvested().write(tmp_path / "lines", validation=0.3)
    parquet = harvested().write(tmp_path / "parquet", validation=0.3, container="parquet")
    assert lines.hash == parquet.hash
    assert lines.chain == parquet.chain
    assert lines.rows("train") == parquet.rows("train")
    assert lines.rows("validation") == parquet.rows("validation")
    assert len(lines.rows()) == 30
    assert sorted(parquet.manifest["files"]) == [
        "rejects.jsonl",
        "sources.jsonl",
        "train.parquet",
        "validation.parquet",
    ]
    assert {one["file"] for one in parquet.sources()} == {"train.parquet", "validation.parquet"}
    assert read_dataset(tmp_path / "parquet").hash == lines.hash
    assert not list(tmp_path.rglob("*.jsonl.*"))


def test_a_parquet_file_that_was_changed_is_told(tmp_path: Path) -> None:
    harvested(3).write(tmp_path / "d", container="parquet")
    file = tmp_path / "d" / "train.parquet"
    file.write_bytes(file.read_bytes().replace(b"PAR1", b"PAR2"))
    with pytest.raises(DatasetError, match=r"changed after it was written: train.parquet"):
        read_dataset(tmp_path / "d")


def test_a_container_that_is_unknown_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no container 'csv' for rows. Known: jsonl, parquet"):
        harvested(3).write(tmp_path / "d", container="csv")  # type: ignore[arg-type]
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_hugging_face_reads_the_rows(tmp_path: Path, container: Any) -> None:
    from datasets import load_dataset

    written = harvested().write(tmp_path / "d", validation=0.3, container=container)
    loaded: Any = load_dataset(str(tmp_path / "d"), cache_dir=str(tmp_path / "cache"))
    made = written.to_datasets()
    assert {split: len(rows) for split, rows in loaded.items()} == written.manifest["rows"]
    for split in ("train", "validation"):
        assert clean(loaded[split]) == written.rows(split)
        assert clean(made[split]) == written.rows(split)


def test_a_split_without_rows_is_no_split(tmp_path: Path) -> None:
    made = harvested(3).write(tmp_path / "d", validation=0, container="parquet").to_datasets()
    assert list(made) == ["train"]
    assert list(rows_in(tmp_path / "d", "validation")) == []


def test_columns_are_nested_where_rows_are_alike() -> None:
    rows = [
        {"a": [{"role": "user", "content": "x"}], "b": {"k": 1}, "n": 1, "e": []},
        {"a": [{"role": "user", "content": None}], "b": {"l": 1}, "n": 1.0, "t": True},
    ]
    assert columns_of(rows) == {
        "a": ListOf(Struct((("role", "string"), ("content", "string")))), "b": "json", "n": "json", "e": ListOf("json"), "t": "bool",
    }  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        [{"a": 1, "b": None}, {"b": None, "a": 1}], [[], [[]], None], [{}, {"a": {}}], [1, 1.0, "1", None], [None, None],
        [[{"k": [1, None]}], [{"k": None}]], ["\u2028", "🌧"], [2**63, -1], [{"a": {"b": [{"c": 1}]}}, {"a": {"b": []}}],
    ],
)  # fmt: skip
def test_any_values_come_back_as_they_were(values: list[Any], tmp_path: Path) -> None:
    rows = [{"at": at} | ({} if value is None else {"value": value}) for at, value in enumerate(values)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_parquet(tmp_path / "rows.jsonl", tmp_path / "rows.parquet", columns_of(rows))
    assert json.dumps(list(read_parquet(tmp_path / "rows.parquet"))) == json.dumps(rows)


def test_rows_that_a_template_would_spoil_are_rejects(tmp_path: Path) -> None:
    def target(group: Group) -> Rows:
        one = {"1": THINKS, "2": AGENT}.get(group.problem, example())
        return Rows((one.model_copy(update={"problem": group.problem, "traces": [group.originals[0].id]}),))

    dataset = harvested(4).target(target).write(tmp_path / "d", tokenizer=tokenizer("qwen2_5"), validation=0)
    assert dataset.manifest["rows"]["train"] == 3
    assert [(one["problem"], one["stage"], one["reason"]) for one in dataset.rejects()] == [
        ("1", "format trl", "template-loses-reasoning")
    ]
    assert set(dataset.manifest["rendered_by"]) == {"tokenizer", "template"}
    all_of_them = harvested(4).target(target).write(tmp_path / "e", tokenizer=tokenizer("qwen3"), validation=0)
    assert all_of_them.manifest["rows"]["train"] == 4


def test_a_format_that_no_template_prints_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no conversation that a chat template could print"):
        harvested(3).write(tmp_path / "d", format="sharegpt", tokenizer=tokenizer("qwen3"))
    assert not (tmp_path / "d").exists()


def test_the_settings_of_a_format_are_in_the_manifest(tmp_path: Path) -> None:
    from langdistill.datasets.formats.openai import openai

    written = harvested(6).write(tmp_path / "d", format=openai(drop_reasoning=True), validation=0)
    assert written.manifest["format"] == "openai"
    assert written.manifest["format_params"] == {"drop_reasoning": True, "parallel_tool_calls": True}
    assert len(written.rows()) == 6
