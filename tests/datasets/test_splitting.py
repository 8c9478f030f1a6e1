"""Which side of the split a row is on: its problem decides, and what was made of a problem follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import Dataset
from langdistill.datasets.splitting import side_of
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.filters.agreement import agreement
from langdistill.records import Example, Trace
from tests.datasets.test_harvest_safety import sampled, store_of

PROBLEMS = [f"p{at}" for at in range(400)]


def sides(dataset: Dataset) -> dict[str, str]:
    """Problem to its side; it is on one alone."""
    found: dict[str, str] = {}
    for split in ("train", "validation"):
        for row in dataset.rows(split):
            assert found.setdefault(row["problem"], split) == split
    return found


def test_a_side_stays_over_rebuilds(tmp_path: Path) -> None:
    """Others come and go, a filter is added, the target and the share change: who was in training is never validated on."""
    whole = sides(harvest(store_of(*(sampled(name, "1", "1", "2") for name in PROBLEMS))).write(tmp_path / "1"))
    assert sum(side == "validation" for side in whole.values()) == 40
    fewer = harvest(store_of(*(sampled(name, "1", "1", "2") for name in PROBLEMS[::3]), sampled("new", "1")))
    found = sides(fewer.filter(agreement()).write(tmp_path / "2"))
    assert {name: side for name, side in found.items() if name != "new"} == {
        name: whole[name] for name in PROBLEMS[::3]
    }
    more = sides(harvest(store_of(*(sampled(name, "1") for name in PROBLEMS))).write(tmp_path / "3", validation=0.3))
    aside = {name for name, side in whole.items() if side == "validation"}
    assert aside < {name for name, side in more.items() if side == "validation"}
    other = sides(harvest(store_of(*(sampled(name, "1") for name in PROBLEMS))).write(tmp_path / "4", seed=1))
    assert {name for name, side in other.items() if side == "validation"} != aside


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_was_made_of_a_problem_is_on_its_side(tmp_path: Path, seed: int) -> None:
    """Mined and reworded problems name the one that they were made from."""
    made = [
        sampled(f"{name}-{at}", "1").model_copy(update={"metadata": {"problem": f"{name}-{at}", "seed_problem": name}})
        for name in PROBLEMS[:60]
        for at in range(3)
    ]
    dataset = harvest(store_of(*(sampled(name, "1") for name in PROBLEMS[:60]), *made)).write(
        tmp_path / "d", validation=0.4, seed=seed
    )
    found = sides(dataset)
    assert len(found) == 240
    assert {found[f"{name}-{at}"] == found[name] for name in PROBLEMS[:60] for at in range(3)} == {True}
    assert set(found.values()) == {"train", "validation"}


def test_a_problem_is_on_one_side_where_some_of_its_runs_name_no_seed(tmp_path: Path) -> None:
    """Runs of one problem, each a row of its own: recorded before and after somebody thought of `seed_problem`."""

    def run(at: int, said: str, **named: str) -> Trace:
        return sampled(f"p{at}", said, id=said).model_copy(update={"metadata": {"problem": f"p{at}", **named}})

    traces = [one for at in range(40) for one in (run(at, "4", seed_problem=f"s{at}"), run(at, "5"))]
    dataset = harvest(store_of(*traces)).target(with_reasoning).write(tmp_path / "d", validation=0.5)
    found = sides(dataset)
    assert (sum(dataset.manifest["rows"].values()), len(found)) == (80, 40)
    seeds = {
        name: side_of(Example(messages=[], target=[], problem=name, trace="t", seed=f"s{name[1:]}"), 0.5, 0)
        for name in found
    }
    assert found == seeds


def test_the_turns_of_a_conversation_are_on_one_side(tmp_path: Path) -> None:
    """Of runs that name no problem: the conversation goes by its first question."""

    def turn(start: str, at: int) -> Trace:
        earlier: list[Any] = [
            one
            for past in range(at)
            for one in ({"role": "user", "content": f"{start} {past}"}, {"role": "assistant", "content": str(past)})
        ]
        asked = {"role": "user", "content": f"{start} {at}"}
        return Trace(id=f"{start}{at}", input=[*earlier, asked], earlier=len(earlier), answer=str(at))

    dataset = harvest(store_of(*(turn(f"talk {of}", at) for of in range(50) for at in range(3)))).write(
        tmp_path / "d", validation=0.4
    )
    found: dict[str, set[str]] = {}
    for split in ("train", "validation"):
        for row in dataset.rows(split):
            found.setdefault(row["prompt"][0]["content"], set()).add(split)
    assert sum(len(dataset.rows(split)) for split in ("train", "validation")) == 150
    assert sorted(found) == sorted(f"talk {of} 0" for of in range(50))
    assert [one for one in found.values() if len(one) != 1] == []
    assert {side for one in found.values() for side in one} == {"train", "validation"}


def test_the_draw_is_even_and_independent_of_the_process() -> None:
    def drawn(problem: str, share: float) -> str:
        return side_of(Example(messages=[], target=[], problem=problem, trace="t"), share, 7)

    names = [f"problem {at}" for at in range(10_000)]
    counts = {share: sum(drawn(name, share) == "validation" for name in names) for share in (0.0, 0.1, 0.5)}
    assert counts == {0.0: 0, 0.1: 1021, 0.5: 5031}, "of a hash: the same for ever"
