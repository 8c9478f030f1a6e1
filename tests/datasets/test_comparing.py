from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from langdistill.cli import app
from langdistill.datasets.comparing import compare
from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.targets.one_sample import one_sample
from langdistill.errors import DatasetError
from langdistill.filters.agreement import agreement
from langdistill.groups import Group, Rows
from langdistill.records import Trace
from tests.datasets.test_harvest_safety import sampled, store_of

NAMES = [f"p{at:02}" for at in range(20)]


def traces(**answers: list[str]) -> list[Trace]:
    return [sampled(name, *answers.get(name, ["1", "1", "1"])) for name in NAMES]


def plan(*others: Trace, **answers: list[str]) -> Harvest:
    return harvest(store_of(*traces(**answers), *others))


def run(*words: Any) -> Any:
    return CliRunner().invoke(app, ["dataset", "diff", *map(str, words)])


def test_the_same(tmp_path: Path) -> None:
    for name in "ab":
        plan().filter(agreement()).write(tmp_path / name)
    found = compare(tmp_path / "a", tmp_path / "b")
    assert (found.same, found.stage, found.changed.count) == (True, None, 0)
    told = run(tmp_path / "a", tmp_path / "b")
    assert (told.exit_code, told.stdout.split(":")[0]) == (0, "The same")


def test_a_threshold(tmp_path: Path) -> None:
    answers = {"p03": ["1", "1", "2"], "p07": ["1", "2", "2"], "p09": ["1", "2"]}
    plan(**answers).filter(agreement(min_share=0.5)).write(tmp_path / "a")
    plan(**answers).filter(agreement(min_share=0.9)).write(tmp_path / "b")
    found = compare(tmp_path / "a", tmp_path / "b", ids=1)
    assert found.stage is not None
    assert (found.stage.stages, found.stage.settings) == (("agreement", "agreement"), {"min_share": (0.5, 0.9)})
    assert found.removed.told() == {"count": 2, "ids": ["p03"], "reasons": {"agreement: split-vote": 2}}
    assert (found.added.count, found.changed.count, found.moved.count) == (0, 0, 0)
    back = compare(tmp_path / "b", tmp_path / "a")
    assert back.added.told() == {"count": 2, "ids": ["p03", "p07"], "reasons": {"agreement: split-vote": 2}}
    told = run(tmp_path / "a", tmp_path / "b")
    assert told.exit_code == 1
    assert "The first stage that differs is 'agreement': min_share 0.5 -> 0.9." in told.stdout
    assert "kept 19, dropped 0" in told.stdout
    assert "kept 17, dropped 2 (split-vote: 2)" in told.stdout
    assert "2 problems removed (rejected there: agreement: split-vote: 2): p03, p07\n" in told.stdout


def test_other_traces(tmp_path: Path) -> None:
    plan().write(tmp_path / "a")
    plan(sampled("p99", "1"), p05=["2", "2"]).write(tmp_path / "b")
    found = compare(tmp_path / "a", tmp_path / "b")
    assert found.stage is not None
    assert (found.stage.stages, found.stage.settings) == (("harvest", "harvest"), {})
    assert (found.added.ids, found.changed.ids, found.removed.ids) == (["p99"], ["p05"], [])
    assert "'harvest': the same settings, other traces." in run(tmp_path / "a", tmp_path / "b").stdout


def test_another_split_moves_problems(tmp_path: Path) -> None:
    one, other = (plan().write(tmp_path / str(seed), validation=0.3, seed=seed) for seed in (0, 1))
    found = compare(one.path, other.path, ids=100)
    assert found.stage is not None
    assert (found.stage.stages, found.stage.settings) == (("rows", "rows"), {"seed": (0, 1)})
    sides = [{row["problem"] for row in dataset.rows("validation")} for dataset in (one, other)]
    assert found.moved.ids == sorted(sides[0] ^ sides[1])
    assert found.changed.count == 0
    assert found.moved.ids


@dataclass(frozen=True)
class Prefixed:
    """A target with settings."""

    prefix: str
    name = "prefixed"

    @property
    def params(self) -> dict[str, Any]:
        return {"prefix": self.prefix}

    def __call__(self, group: Group) -> Rows:
        [row] = one_sample(group).examples
        return Rows((row.model_copy(update={"target": [{"role": "assistant", "content": self.prefix}]}), row))


def test_settings_of_a_target_and_stages_that_come_and_go(tmp_path: Path) -> None:
    for prefix in "ab":
        plan().target(Prefixed(prefix)).write(tmp_path / prefix)
    found = compare(tmp_path / "a", tmp_path / "b")
    assert found.stage is not None
    assert (found.stage.stages, found.stage.settings) == (("target", "target"), {"prefix": ("a", "b")})
    assert found.changed.count == 20
    plan().target(Prefixed("a")).filter(agreement()).write(tmp_path / "c")
    more = compare(tmp_path / "a", tmp_path / "c")
    assert more.stage is not None
    assert more.stage.stages == ("rows", "agreement")
    assert (more.changed.count, more.removed.count) == (0, 0)
    assert run(tmp_path / "a", tmp_path / "c").stdout.endswith("The rows are the same.\n")


def test_json(tmp_path: Path) -> None:
    plan().write(tmp_path / "a")
    plan(p05=["2", "3"]).write(tmp_path / "b")
    told = run(tmp_path / "a", tmp_path / "b", "--format", "json")
    found = orjson.loads(told.stdout)
    assert (told.exit_code, found["same"], found["removed"]) == (
        1, False, {"count": 1, "ids": ["p05"], "reasons": {"target: tied": 1}},
    )  # fmt: skip


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    dataset = plan().write(tmp_path / "a")
    with pytest.raises(DatasetError, match="is no data set"):
        compare(tmp_path / "a", tmp_path / "none")
    manifest = dict(dataset.manifest)
    del manifest["chain"]
    (tmp_path / "a" / "manifest.json").write_bytes(orjson.dumps(manifest))
    with pytest.raises(DatasetError, match="has no chain of hashes"):
        compare(tmp_path / "a", tmp_path / "a")


def test_memory_is_bounded(tmp_path: Path) -> None:
    text = "word " * 400
    for name, last in (("a", "1"), ("b", "2")):
        harvest(
            sampled(f"p{at:05}", last if at == 7 else "1", input=[{"role": "user", "content": f"{at} {text}"}])
            for at in range(5000)
        ).write(tmp_path / name)
    tracemalloc.start()
    found = compare(tmp_path / "a", tmp_path / "b")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.changed.ids == ["p00007"]
    assert most < 3_000_000, "of 10 MB of rows each"
