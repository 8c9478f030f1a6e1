"""The same traces give the same data set, wherever they are kept, however they came and wherever they are harvested."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.reading import REJECTS, Dataset
from langdistill.filters.agreement import agreement
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.stable_under import Perturbation, stable_under
from langdistill.groups import Group
from langdistill.records import Example, Trace
from langdistill.scale.engines import find_engine
from langdistill.stores.opening import open_store
from langdistill.testing.memory import MemoryStore
from tests.datasets.test_harvest_safety import sampled

REWORDED = Perturbation("reworded", lambda question, dice: question)


@dataclass(frozen=True)
class NotAnswer(RowFilter):
    """Drops one answer."""

    answer: str

    def judge(self, row: Example, group: Group) -> Judgement:
        return Judgement(row.answer != self.answer, "that" if row.answer == self.answer else "another")


def traces(problems: int = 60) -> list[Trace]:
    """Each problem sampled in two runs of three, and reworded; the shares of the leading answer vary."""
    dice, found = random.Random(0), []
    for at in range(problems):
        name = f"p{at:03}"
        for run in "ab":
            found.append(sampled(name, *dice.choices("1112", k=3), id=run, started=float(at)))
        changed = sampled(name, *dice.choices("111112", k=3), id="c")
        found.append(changed.model_copy(update={"metadata": {"problem": name, "perturbation": "reworded"}}))
    return found


def plan(store: Any, min_share: float = 0.6, answer: str = "2") -> Harvest:
    return harvest(store, graph="g").filter(agreement(min_share=min_share), NotAnswer(answer), stable_under(REWORDED))


def filled(target: Any, found: list[Trace]) -> Any:
    store = MemoryStore() if target is None else open_store(target)
    for start in range(0, len(found), 50):
        store.add(found[start : start + 50])
    if target is not None:
        store.close()
    return store if target is None else target


def told(dataset: Dataset) -> Any:
    """What must be the same: the hash, the chain, the counts, the rows and the rejects."""
    files = {name: (dataset.path / name).read_bytes() for name in ("train.jsonl", "validation.jsonl")}
    rejects = sorted((one["problem"], one["stage"], one["reason"]) for one in dataset.rejects())
    return dataset.hash, dataset.manifest["chain"], dataset.funnel, files, rejects


@pytest.mark.xdist_group("ray")
def test_any_store_any_order_any_engine(tmp_path: Path, tables: str) -> None:
    found = traces()
    first = plan(filled(tmp_path / "1.db", found)).write(tmp_path / "first")
    assert [(stage["stage"], stage["kept"]) for stage in first.funnel] == [
        ("harvest", 60), ("target", 47), ("agreement", 47), ("test_chain", 46), ("stable_under", 40),
    ]  # fmt: skip
    shuffled = random.Random(1).sample(found, len(found))
    later = [one.model_copy(update={"id": f"later-{one.id}", "started": one.started + 1e6}) for one in shuffled]
    others = {
        "again": plan(tmp_path / "1.db"),
        "shuffled": plan(filled(tmp_path / "2.db", shuffled)),
        "later": plan(filled(tmp_path / "3.db", later)),
        "memory": plan(filled(None, shuffled)),
        "postgres": plan(filled(tables, shuffled)),
        "imported": plan(iter(shuffled)),
        "ray": plan(tmp_path / "2.db").on(find_engine("ray")),
        "ray-postgres": plan(tables).on(find_engine("ray")),
    }
    for name, other in others.items():
        assert told(other.write(tmp_path / name)) == told(first), name
    kept = (tmp_path / "first" / REJECTS).read_bytes()
    assert (tmp_path / "again" / REJECTS).read_bytes() == kept
    assert (tmp_path / "ray" / REJECTS).read_bytes() == (tmp_path / "shuffled" / REJECTS).read_bytes() == kept


STAGES = ["harvest", "target", "agreement", "test_chain", "stable_under", "rows"]


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        (lambda store: plan(store, min_share=0.65), "agreement"),
        (lambda store: plan(store, answer="7"), "test_chain"),
        (lambda store: plan(store).filter(agreement()), "rows"),
        (lambda store: plan(store).balanced(), "rows"),
        (lambda store: harvest(store, graph="g", since=1.0).filter(agreement(min_share=0.6)), "harvest"),
        (lambda store: harvest(store, graph="g", extract=str).filter(agreement(min_share=0.6)), "harvest"),
    ],
)
def test_a_change_of_one_stage_changes_the_hashes_from_there_on(changed: Any, first: str, tmp_path: Path) -> None:
    store = filled(None, traces())
    one, other = plan(store).write(tmp_path / "one"), changed(store).write(tmp_path / "other")
    before, after = one.manifest["chain"], other.manifest["chain"]
    assert [stage["stage"] for stage in before] == STAGES
    at = STAGES.index(first)
    assert after[:at] == before[:at]
    assert not {stage["hash"] for stage in after[at:]} & {stage["hash"] for stage in before[at:]}


def test_a_policy_and_a_version_are_settings_of_a_stage(tmp_path: Path) -> None:
    store = filled(None, traces())
    one = harvest(store).filter(stable_under(REWORDED)).run()
    kept = harvest(store).filter(stable_under(REWORDED), unjudged="keep").run()
    assert one.examples == kept.examples
    assert [stage["hash"] for stage in one.chain[:2]] == [stage["hash"] for stage in kept.chain[:2]]
    assert one.chain[2] != kept.chain[2]


def test_a_trace_more_changes_every_stage_and_one_of_another_graph_none(tmp_path: Path) -> None:
    found = traces()
    one = plan(filled(None, found)).run().chain
    more = plan(filled(None, [*found, sampled("q", "1")])).run().chain
    assert not {stage["hash"] for stage in one} & {stage["hash"] for stage in more}
    other = sampled("q", "1").model_copy(update={"name": "another"})
    assert plan(filled(None, [*found, other])).run().chain == one
