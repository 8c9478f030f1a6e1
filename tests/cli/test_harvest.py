"""`langdistill harvest` with each of its options."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from langdistill.cli import app
from langdistill.datasets.reading import read_dataset
from langdistill.errors import UnknownName
from langdistill.records import Feedback
from langdistill.stores.sqlite import SQLiteStore
from tests.datasets.targets.test_searched_targets import run
from tests.datasets.test_harvest_safety import sampled


@pytest.fixture
def store(tmp_path: Path) -> Path:
    changed = {"problem": "c", "perturbation": "case_and_space"}
    traces = [
        sampled("a", "1", "1", "2", tags=["good"], feedback=[Feedback(score=1.0)], thread="t"),
        sampled("b", "1", "2", started=50.0),
        sampled("c", "3", outcome="failed"),
        sampled("c", "3", id="changed").model_copy(update={"metadata": changed}),
    ]
    opened = SQLiteStore(tmp_path / "t.db")
    opened.add(traces)
    opened.close()
    return tmp_path / "t.db"


def harvested(store: Path, *options: str) -> dict[str, Any]:
    """The manifest of what was written."""
    out = store.with_name("data")
    told = CliRunner().invoke(app, ["harvest", str(store), "--out", str(out), *options], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return read_dataset(out).manifest


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ([], 2),
        (["--no-filter"], 2),
        (["--filter", "agreement(min_share=0.9)"], 1),
        (["--filter", "agreement", "--filter", "unanimous(min_n=1)"], 1),
        (["--filter", "complete(samples=3)"], 1),
        (["--tag", "good"], 1),
        (["--thread", "t"], 1),
        (["--min-score", "0.5"], 1),
        (["--outcome", "failed", "--no-filter"], 1),
        (["--before", "1970-01-01T00:00:30+00:00"], 2),
        (["--graph", "g"], 2),
        (["--target", "one_sample"], 3),
        (["--target", "with_reasoning(most=1)"], 3),
        (["--filter", "stable_under(case_and_space)"], 1),
        (["--filter", "stable_under(case_and_space)", "--keep-unjudged"], 2),
    ],
)
def test_what_is_kept(store: Path, options: list[str], kept: int) -> None:
    assert harvested(store, *options)["funnel"][-1]["kept"] == kept


def test_reasoned_rows_in_parquet_with_a_probe(store: Path) -> None:
    gold = store.with_name("gold.jsonl")
    gold.write_text('{"problem": "a", "answer": "1"}\n{"problem": "b", "answer": "9"}\n')
    manifest = harvested(
        store, "--target", "with_reasoning", "--render", "step_by_step", "--balanced", "--probe", str(gold),
        "--container", "parquet", "--validation", "0", "--extract", "number", "--format", "trl",
    )  # fmt: skip
    assert (manifest["rows"], manifest["container"]) == ({"train": 12, "validation": 0}, "parquet")
    assert manifest["funnel"][-1]["labels"] == {"right": 2, "of": 5, "interval": [0.1176, 0.7693]}
    rows = read_dataset(store.with_name("data")).rows()
    assert {row["style"] for row in rows} == {"label", "rationale"}
    assert sorted({round(row.get("weight") or 1, 3) for row in rows}) == [0.333, 0.5, 1]


@pytest.mark.parametrize(
    ("target", "format", "rows", "supervised"),
    [
        ("verified(most=1)", "trl", 1, False),
        ("verified(most=2, agree=0.5, judge=liked(at_least=0.2))", "trl", 2, False),
        ("process_preference", "trl_preference", 1, False),
        ("process_preference(by_gold('{gold}'), most=None)", "trl_preference", 2, True),
        ("step_values(above=0.25)", "trl_stepwise", 5, False),
        ("step_values(by_gold('{gold}'), rollouts=2)", "trl_stepwise", 3, True),
    ],
)
def test_rows_of_a_search(target: str, format: str, rows: int, supervised: bool, tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text('{"problem": "p", "answer": "4"}\n')
    with closing(SQLiteStore(tmp_path / "t.db")) as store:
        store.add([run(metadata={"problem": "p"}, feedback=[Feedback(score=0.3)])])
    spelt = target.format(gold=tmp_path / "gold.jsonl")
    manifest = harvested(tmp_path / "t.db", "--target", spelt, "--format", format, "--validation", "0")
    assert manifest["rows"]["train"] == rows
    assert ("supervised" in manifest) is supervised
    assert manifest["target"] == target.partition("(")[0]


def test_rows_that_the_template_would_spoil_are_looked_at(store: Path) -> None:
    assert harvested(store, "--tokenizer", "lab")["funnel"][-1]["kept"] == 2


def test_files_of_others(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]
    (tmp_path / "chats.jsonl").write_text(json.dumps({"messages": said}) + "\n")
    manifest = harvested(
        tmp_path / "chats.jsonl",
        "--from",
        "openai_chat",
        "--target",
        "whole_agent",
        "--format",
        "openai(drop_reasoning=True)",
    )
    assert (manifest["rows"]["train"], manifest["format"]) == (1, "openai")


def test_the_outcome_as_json(store: Path) -> None:
    out = str(store.with_name("data"))
    told = CliRunner().invoke(app, ["harvest", str(store), "--out", out, "--print", "json"])
    found = json.loads(told.output)
    assert set(found) == {"out", "hash", "rows", "funnel", "chain"}
    assert [stage["stage"] for stage in found["chain"]] == ["harvest", "target", "agreement", "rows"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "final"], "no target named 'final'"),
        (["--filter", "agreeing"], "no filter named 'agreeing'"),
        (["--filter", "stable_under(swap)"], "no perturbation named 'swap'"),
        (["--render", "five_formats"], "no rendering named 'five_formats'"),
        (["--format", "csv"], "no format named 'csv'"),
        (["--from", "excel"], "no format named 'excel'"),
    ],
)
def test_a_name_that_is_none_is_told_with_those_that_are(store: Path, options: list[str], said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        harvested(store, *options)
    assert not store.with_name("data").exists()
