from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from langdistill.cli import app
from langdistill.datasets.harvest import harvest
from langdistill.datasets.targets.node import node
from langdistill.errors import MiningError, UnknownName
from langdistill.records import Feedback, Trace
from langdistill.stores.sqlite import SQLiteStore
from tests.roles_server import Roles, roles, words

ROLES = ["--teacher", "openai:teacher", "--student", "openai:student", "--referee", "openai:referee", "--generator", "openai:generator"]  # fmt: skip
SMALL = ["--per-round", "6", "--rounds", "2"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Roles]:
    with roles() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield running


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    place, rng = tmp_path / "seeds.jsonl", Random(5)
    rows = [{"instruction": words(rng)} for _ in range(20)]
    place.write_text("".join(json.dumps(one) + "\n" for one in [*rows, rows[0], {"instruction": " "}]))
    return place


def told(*arguments: Any) -> Any:
    result = CliRunner().invoke(app, ["mine", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def asked_json(*arguments: Any) -> dict[str, Any]:
    return json.loads(told(*arguments, "--format", "json").stdout)


def test_the_plan_counts_the_calls_and_asks_nothing(server: Roles, seeds: Path) -> None:
    plan = asked_json(seeds, "--plan", *SMALL)
    assert plan["calls"] == {"teacher": 20 + 12, "student": 20 + 26, "referee": 2 * (20 + 26), "generator": 12}
    assert [one["cache"] for one in plan["rounds"]] == [20, 26, 32]
    assert plan["refused"] == {"duplicate": 1, "empty": 1}
    assert asked_json(seeds, "--plan", *SMALL, "--no-swap", "--sample", 10)["calls"]["referee"] == 20
    assert server.asked == []


def test_the_papers_plan(tmp_path: Path) -> None:
    place = tmp_path / "many.txt"
    place.write_text("\n".join(f"Seed number {number} of the pool" for number in range(52_000)))
    told_calls = asked_json(place, "--plan")["calls"]
    assert told_calls == {"teacher": 70_000, "student": 174_000, "referee": 348_000, "generator": 18_000}
    table = told(place, "--plan").stdout
    assert "348,000" in table
    assert "64,000" in table


def test_a_run_and_the_same_run_again(server: Roles, seeds: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    found = asked_json(seeds, *ROLES, *SMALL, "--out", out, "--price", "teacher=1,2")
    assert [(one["train"], one["cache"]) for one in found["rounds"]] == [(20, 20), (6, 26)]
    assert [one["accepted"] for one in found["rounds"]] == [{"hard": 3, "easy": 3}] * 2
    first = server.models()
    assert {role: one["calls"] for role, one in found["ledger"].items()} == first
    assert found["cost"] == {"teacher": pytest.approx(32 * (10 * 1 + 5 * 2) / 1e6)}
    rows = [json.loads(line) for line in (out / "mined.jsonl").read_text().splitlines()]
    assert [(one["source"], one["round"]) for one in rows] == [("hard", 1)] * 3 + [("easy", 1)] * 3 + [("hard", 2)] * 3 + [("easy", 2)] * 3  # fmt: skip
    assert all(one["output"].startswith("A good answer") for one in rows)
    again = asked_json(seeds, *ROLES, *SMALL, "--out", out)
    assert (again["rounds"], server.models()) == (found["rounds"], first)
    more = asked_json(seeds, *ROLES, "--per-round", 6, "--rounds", 3, "--out", out)
    assert more["rounds"][:2] == found["rounds"]
    assert server.models()["teacher"] == first["teacher"] + 6


def test_what_was_mined_is_harvested_beside_its_seeds(server: Roles, seeds: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    told(seeds, *ROLES, *SMALL, "--out", out)
    examples = harvest(out / "traces.db").target(node("teacher")).run().examples
    assert len(examples) == 32
    mined = [one for one in examples if one.seed]
    assert len(mined) == 12
    assert {one.seed for one in mined} <= {one.problem for one in examples if not one.seed}


def test_a_cap_stops_the_run_and_a_higher_one_goes_on(server: Roles, seeds: Path, tmp_path: Path) -> None:
    capped = asked_json(seeds, *ROLES, *SMALL, "--out", tmp_path / "run", "--completions", 50)
    assert capped["stopped"] == "the budget is spent: completions 50 of 50"
    assert len(server.asked) == 50
    whole = asked_json(seeds, *ROLES, *SMALL, "--out", tmp_path / "run")
    assert whole["stopped"] is None
    assert server.models() == {role: one["calls"] for role, one in whole["ledger"].items()}


def run(id: str, asked: str, feedback: Feedback) -> Trace:
    said = [{"role": "assistant", "content": "so"}]
    return Trace(id=id, name="agent", input=[{"role": "user", "content": asked}], output=said, feedback=[feedback])  # type: ignore[arg-type]


def test_it_starts_from_what_the_student_did_badly_at(server: Roles, tmp_path: Path) -> None:
    rng, store = Random(2), tmp_path / "traces.db"
    said = [(words(rng), score) for score in (0.0, 1.0) for _ in range(8)]
    with closing(SQLiteStore(store)) as opened:
        opened.add([run(str(at), text, Feedback(score=score)) for at, (text, score) in enumerate(said)])
    result = told("--from", store, *ROLES, "--per-round", 2, "--rounds", 1, "--out", tmp_path / "run")
    assert "8 weak spots in 16 problems (bad-feedback: 8)" in result.stderr
    asked = {one["messages"][-1]["content"] for one in server.asked if one["model"] == "student"}
    assert asked == {text for text, score in said if score == 0.0}


@pytest.mark.parametrize(
    ("arguments", "error", "words_of_it"),
    [
        (["--tau", "0"], MiningError, "tau=0"),
        (["--from-hard", "nonsense"], UnknownName, "no generator named 'nonsense'"),
        (["--per-round", "0"], MiningError, "per_round=0"),
        (["--rounds", "0"], MiningError, "rounds=0"),
    ],
)
def test_bad_settings(seeds: Path, tmp_path: Path, server: Roles, arguments: list[str], error: Any, words_of_it: str) -> None:  # fmt: skip
    with pytest.raises(error, match=words_of_it):
        CliRunner().invoke(
            app, ["mine", str(seeds), *ROLES, "--out", str(tmp_path / "run"), *arguments], catch_exceptions=False
        )
    assert server.asked == []


@pytest.mark.parametrize("content", ["", "[]", '["  ", ""]', "{", "[1, 2"])
def test_bad_seed_files(tmp_path: Path, content: str) -> None:
    place = tmp_path / "seeds.jsonl"
    place.write_text(content)
    result = CliRunner().invoke(app, ["mine", str(place), "--plan"])
    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, (MiningError, SystemExit))
