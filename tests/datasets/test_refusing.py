"""What a newcomer gets wrong, and what a harvest says to it instead of a traceback or of nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.renderings.four_formats import four_formats
from langdistill.datasets.targets.node import node
from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.errors import DatasetError, StoreError
from langdistill.filters.agreement import agreement
from langdistill.filters.stable_under import stable_under
from langdistill.records import Trace
from langdistill.stores.importing import Files
from tests.datasets.test_harvest_safety import SWAPPED, sampled, store_of


def test_traces_that_come_once_are_told_the_second_time() -> None:
    plan = harvest(sampled(name, "4") for name in ("p", "q"))
    assert plan.run().funnel[0]["kept"] == 2
    with pytest.raises(DatasetError, match="came from an iterator, which can be gone through once; give a list"):
        plan.run()


@pytest.mark.parametrize("source", [None, 5, sampled("p", "4"), ["traces.db"], [{"id": "t"}]])
def test_what_is_no_source(source: Any) -> None:
    with pytest.raises(StoreError, match=r"Give the path or address of a store, a store, or traces"):
        harvest(source).run()


def test_traces_of_one_id_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "langdistill"):
        found = harvest([sampled("p", "4"), sampled("q", "4").model_copy(update={"id": "p"}), sampled("r", "4")]).run()
    assert [one.problem for one in found.examples] == ["q", "r"]
    assert [one.message.split(" are")[0] for one in caplog.records] == ["1 of the 3 traces of this harvest"]


def test_what_files_held_besides_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.traj").write_text("no JSON")
    with pytest.raises(DatasetError, match=r"no traces at all\. What the files held besides: no-json: 1\."):
        harvest(Files(tmp_path, "swe_agent")).run()


@pytest.mark.parametrize("made", [agreement, 5, "agreement", Trace(id="t")])
def test_what_is_no_filter(made: Any) -> None:
    with pytest.raises(DatasetError, match=r"is no filter. Give what a function of langdistill.filters makes"):
        harvest([]).filter(made)


def test_a_policy_that_there_is_not() -> None:
    with pytest.raises(DatasetError, match='unjudged=\'kept\' is unknown; give "drop" or "keep"'):
        harvest([]).filter(agreement(), unjudged="kept")  # type: ignore[arg-type]


@pytest.mark.parametrize("made", [four_formats, 5, "four_formats"])
def test_what_is_no_rendering(made: Any) -> None:
    with pytest.raises(DatasetError, match=r"is no rendering. Give what a function of langdistill makes"):
        harvest([]).render(made)


def test_what_is_no_target() -> None:
    made: list[Any] = [5, whole_agent, node]
    with pytest.raises(DatasetError, match="'int' is no target: 5 is not a callable object"):
        harvest([]).target(made[0])
    with pytest.raises(DatasetError, match=r"'whole_agent' is no target: too many positional arguments.* called first"):
        harvest([]).target(made[1])
    with pytest.raises(DatasetError, match=r"'node' gave a Node and no Rows.* called first"):
        harvest([sampled("p", "4")]).target(made[2]).run()


@pytest.mark.parametrize("families", [("swapped",), ([SWAPPED],)])
def test_what_is_no_perturbation(families: Any) -> None:
    with pytest.raises(DatasetError, match=r"which is no perturbation. Give the families one by one"):
        stable_under(*families)


def test_changed_questions_without_the_original_are_rejects(tmp_path: Path) -> None:
    changed = sampled("p", "4").model_copy(update={"metadata": {"problem": "p", "perturbation": "swapped"}})
    dataset = harvest(store_of(changed, sampled("q", "4"))).write(tmp_path / "d")
    assert [(one["kept"], one["dropped"], one["reasons"]) for one in dataset.funnel] == [
        (2, 0, {}),
        (1, 1, {"no-original": 1}),
    ]
    [reject] = dataset.rejects()
    assert (reject["problem"], reject["stage"], reject["reason"]) == ("p", "target", "no-original")
    assert [one["traces"] for one in dataset.sources() if one["problem"] == "p"] == [["p"]]


def test_a_probe_of_other_problems_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "langdistill"):
        harvest([sampled("p", "4")]).probe({"p": "4"}).run()
        assert not caplog.records
        harvest([sampled("p", "4")]).probe({"P": "4"}).run()
    [told] = caplog.records
    assert told.message == "Nothing was probed: none of the probe's 1 problems has a row with an answer."


def test_whoever_took_the_place_meanwhile_keeps_it(tmp_path: Path) -> None:
    out = tmp_path / "d"
    harvest([sampled("other", "4")]).write(tmp_path / "others")

    def other(_: Trace) -> bool:
        if not out.exists():
            (tmp_path / "others").rename(out)
        return True

    with pytest.raises(DatasetError, match=r"exists. Give another one"):
        harvest([sampled("p", "4")], where=other).write(out)
    assert '"other"' in (out / "train.jsonl").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
