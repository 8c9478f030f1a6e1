from __future__ import annotations

from pathlib import Path

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import read_dataset
from langdistill.errors import StoreError
from langdistill.filters.agreement import agreement
from langdistill.records import Trace
from langdistill.stores.protocol import Derived
from langdistill.testing.memory import MemoryStore


def asked(problem: str, answer: str, id: str, **metadata: str) -> Trace:
    question = f"What is {problem}?" + (" Really?" if metadata else "")
    return Trace(
        id=id,
        name="g",
        input=[{"role": "user", "content": question}],
        answer=answer,
        metadata={"problem": problem, **metadata},
    )


TRACES = [
    asked("a", "1", "a1"), asked("a", "1", "a2"), asked("a", "1", "a3", perturbation="other"),
    asked("b", "2", "b1"), asked("c", "1", "c1"), asked("c", "2", "c2"), asked("c", "3", "c3"), asked("c", "1", "c4"),
]  # fmt: skip


def test_every_row_names_the_traces_that_it_was_made_of(tmp_path: Path) -> None:
    store = MemoryStore()
    store.add(TRACES)
    dataset = harvest(store).filter(agreement(min_share=0.75)).write(tmp_path / "d", validation=0.0)
    sources = list(read_dataset(tmp_path / "d").sources())
    agreed = [{"filter": "agreement", "keep": True, "reason": "agreed", "score": 1.0, "version": 1}]
    assert sources == [
        {"file": "train.jsonl", "row": 0, "problem": "a", "traces": ["a1", "a2", "a3"], "verdicts": agreed},
        {"file": "train.jsonl", "row": 1, "problem": "b", "traces": ["b1"], "verdicts": agreed},
        {"file": "rejects.jsonl", "row": 0, "problem": "c", "traces": ["c1", "c2", "c3", "c4"]},
    ]
    assert [row["problem"] for row in dataset.rows("train")] == ["a", "b"]
    assert store.derived() == [
        Derived(str(tmp_path / "d"), dataset.hash, [["a1", "a2", "a3"], ["b1"], ["c1", "c2", "c3", "c4"]])
    ]


def test_the_hash_knows_nothing_of_the_traces(tmp_path: Path) -> None:
    one, other = MemoryStore(), MemoryStore()
    one.add(TRACES)
    other.add([trace.model_copy(update={"id": f"x{trace.id}"}) for trace in TRACES])
    first, second = (harvest(store).write(tmp_path / str(at)) for at, store in enumerate((one, other)))
    assert first.hash == second.hash
    assert first.sources() != second.sources()


def test_a_store_that_cannot_note_it_takes_no_data_set_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Full(MemoryStore):
        def add_derived(self, dataset: Derived) -> None:
            raise StoreError("The disk is full.")

    store = Full()
    store.add(TRACES)
    assert harvest(store).write(tmp_path / "d").hash == read_dataset(tmp_path / "d").hash
    assert "could not note it: The disk is full." in caplog.text
