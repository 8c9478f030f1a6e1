"""The same harvest on Ray Data as here: real Ray, real stores."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from langdistill.answers import number
from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.reading import REJECTS, SOURCES, Dataset
from langdistill.errors import DatasetError, StoreError, UnknownName
from langdistill.filters.agreement import agreement
from langdistill.filters.judging import CorpusFilter, Filter, Judgement, RowFilter
from langdistill.groups import Group
from langdistill.records import Call, Example, Reply, Trace, Verdict
from langdistill.scale.engines import find_engine
from langdistill.scale.ray_data import on_ray
from langdistill.stores.opening import open_store
from langdistill.testing.memory import MemoryStore
from tests.test_extras import told

pytestmark = [
    pytest.mark.xdist_group("ray"),
]
PROBLEMS = 3000


def sampled(at: int) -> Trace:
    """Three samples, which disagree in every seventh problem; every tenth question is that of another problem."""
    answers = [at % 50, at % 50, at % 50 if at % 7 else 99] if at % 11 else [1, 2, 3]
    calls = [
        Call(
            id=f"c{of}",
            candidate=True,
            replies=[Reply(message={"role": "assistant", "content": f"Hm.\nAnswer: {one}"})],
        )
        for of, one in enumerate(answers)
    ]
    question: Any = [{"role": "user", "content": f"What is {at - at % 10 if at % 10 == 1 else at}?"}]
    return Trace(
        id=f"t{at}", name="g" if at % 13 else "other", input=question, calls=calls, metadata={"problem": f"p{at:04}"}
    )


@dataclass(frozen=True)
class Majority(Filter):
    """Looks at the problem as a whole."""

    least: int

    def __call__(self, group: Group) -> Verdict:
        most = max(group.votes.values(), default=0)
        return self.says(most >= self.least if most != 1 else None, "majority" if most >= self.least else "none")


@dataclass(frozen=True)
class Short(RowFilter):
    """Looks at each row alone."""

    def judge(self, row: Example, group: Group) -> Judgement:
        return Judgement((row.answer or "") != "13", "thirteen" if row.answer == "13" else "other")


@dataclass(frozen=True)
class First(CorpusFilter):
    """Looks at the whole corpus."""

    def over(self, groups: Iterable[Group]) -> Iterator[Verdict]:
        seen: set[str] = set()
        for group in groups:
            asked = str(group.rows[0].messages[-1]["content"])
            yield self.says(asked not in seen, "doubled" if asked in seen else "first")
            seen.add(asked)


@dataclass(frozen=True)
class Breaking(Filter):
    """Fails at one problem."""

    error: Exception

    def __call__(self, group: Group) -> Verdict:
        if group.problem == "p1234":
            raise self.error
        return self.says(True, "fine")


class OddError(Exception):
    """One that cannot be unpickled: its constructor wants more than it tells."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one + other)


def plan(target: Any) -> Harvest:
    return (
        harvest(target, graph="g", where=lambda trace: trace.problem != "p0003", extract=lambda text: number(text))
        .filter(Majority(2), unjudged="keep")
        .filter(Short(), First(), agreement(min_share=0.9))
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ray") / "t.db"
    fill(path)
    return path


def fill(target: Any) -> None:
    store = open_store(target)
    for start in range(0, PROBLEMS, 500):
        store.add([sampled(at) for at in range(start, start + 500)])
    store.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray of the caller's own, which the engine uses and leaves."""
    import ray

    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", _node_ip_address="127.0.0.1"
    )
    yield
    ray.shutdown()


def everything(dataset: Dataset) -> dict[str, Any]:
    """All that a data set holds."""
    files = {name: (dataset.path / name).read_bytes() for name in (*dataset.manifest["files"], REJECTS, SOURCES)}
    return {"hash": dataset.hash, "manifest": dataset.manifest, **files}


def test_it_starts_a_ray_and_ends_it_and_the_data_set_is_the_same(file: Path, tmp_path: Path) -> None:
    import ray

    here = plan(file).write(tmp_path / "here")
    there = plan(file).on(find_engine("ray")).write(tmp_path / "there")
    assert not ray.is_initialized()
    assert everything(there) == everything(here)
    assert [(stage["stage"], stage["kept"]) for stage in here.funnel] == [
        ("harvest", 2768), ("target", 2516), ("test_ray_data", 2516), ("test_ray_data", 2466), ("test_ray_data", 2260),
        ("agreement", 1937),
    ]  # fmt: skip
    assert sum(one["stage"] == "test_ray_data" for one in here.rejects()) == 256


@pytest.mark.usefixtures("cluster")
class TestInACluster:
    def test_postgres_and_a_filter_that_reads_traces_after_one_over_the_corpus(
        self, file: Path, tables: str, tmp_path: Path
    ) -> None:
        fill(tables)
        here = plan(file).write(tmp_path / "here")
        there = plan(tables).on(on_ray).write(tmp_path / "there")
        assert everything(there) == everything(here)

    def test_a_store_that_has_a_path(self, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(file.parent)
        store = open_store("t.db")
        there = harvest(store).on(on_ray).write(tmp_path / "there")
        store.close()
        assert everything(there) == everything(harvest(file).write(tmp_path / "here"))

    @pytest.mark.parametrize("error", [ValueError("no such row"), StoreError("gone")])
    def test_an_error_of_a_worker_is_the_one_that_it_would_be_here(self, file: Path, error: Exception) -> None:
        with pytest.raises(type(error), match=str(error)) as raised:
            harvest(file).filter(Breaking(error)).on(on_ray).run()
        [note] = raised.value.__notes__
        assert note.startswith("In a worker of Ray, on the problems from 'p1000':\nTraceback")
        assert "raise self.error" in note

    def test_an_error_that_cannot_travel_is_told(self, file: Path, tmp_path: Path) -> None:
        def fails(trace: Trace) -> bool:
            raise OddError("a ", "b")

        with pytest.raises(DatasetError, match=r"failed in a worker of Ray: OddError: a b\."):
            harvest(file, where=fails).on(on_ray).write(tmp_path / "d")
        assert not list(tmp_path.iterdir())

    def test_a_worker_that_dies_is_told(self, tmp_path: Path) -> None:
        store = open_store(tmp_path / "t.db")
        store.add([sampled(1)])
        store.close()

        def dies(trace: Trace) -> bool:
            import os

            os._exit(3)

        with pytest.raises(DatasetError, match="Ray could not take the harvest to its end: "):
            harvest(tmp_path / "t.db", where=dies).on(on_ray).run()

    def test_nothing_selected(self, file: Path) -> None:
        with pytest.raises(DatasetError, match="No trace was selected"):
            harvest(file, graph="nothing").on(on_ray).run()

    def test_who_stops_early_leaves_nothing_behind(self, file: Path) -> None:
        from langdistill.answers import final_answer
        from langdistill.datasets.selection import Selected
        from langdistill.datasets.stages import Choosing
        from langdistill.datasets.targets.one_sample import one_sample

        passages = on_ray(Selected(file, extract=final_answer), [Choosing(one_sample)], False)
        first = next(passages)
        assert first.group.problem == "p0000"
        assert first.group.originals
        assert sorted(first.group.answers) == ["1", "2", "3"]
        passages.close()  # type: ignore[attr-defined]


def test_a_store_in_memory_is_refused() -> None:
    store = MemoryStore()
    store.add([sampled(1)])
    with pytest.raises(
        DatasetError, match=r"A MemoryStore is in the memory of this process, .* Give the harvest the path"
    ):
        harvest(store).on(on_ray).run()


def test_a_stage_that_cannot_travel_is_named(file: Path) -> None:
    lock = threading.Lock()
    with pytest.raises(DatasetError, match=r"The 'selection' of this harvest cannot be sent to Ray's workers: .*lock"):
        harvest(file, where=lambda trace: not lock.locked()).on(on_ray).run()


def test_engines_are_found_by_name() -> None:
    with pytest.raises(UnknownName, match=r"no engine named 'spark'. Known: local, ray"):
        find_engine("spark")


def test_without_its_extra(tmp_path: Path) -> None:
    statement = (
        "from langdistill.datasets.harvest import harvest; from langdistill.scale.engines import find_engine; "
        "harvest('t.db').on(find_engine('ray')).run()"
    )
    assert told({"ray"}, statement, tmp_path).endswith("pip install 'langdistill[ray]'")
