from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill import harvest
from langdistill.datasets.selection import Selection
from langdistill.errors import DatasetError
from langdistill.records import Call, Feedback, Trace
from langdistill.stores.importing import Files
from langdistill.testing.memory import MemoryStore
from tests.datasets.test_harvest_safety import sampled, store_of


def asked(id: str, **fields: Any) -> Trace:
    return Trace(id=id, name="g", input=[{"role": "user", "content": f"Q{id}"}], answer=id, **fields)


TRACES = [
    asked("1", strategy="s", thread="t", user="u", started=10.0, tags=["good"], feedback=[Feedback(score=1.0)]),
    asked("2", started=20.0, outcome="failed", calls=[Call(id="c", node="plan", path="team/plan", model="m")]),
    asked("3", started=30.0, feedback=[Feedback(score=0.0), Feedback(score=1.0), Feedback(comment="hm")]),
]


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({}, "123"),
        ({"strategy": "s"}, "1"),
        ({"thread": "t"}, "1"),
        ({"user": "u"}, "1"),
        ({"tag": "good"}, "1"),
        ({"since": 20.0}, "23"),
        ({"before": 20.0}, "1"),
        ({"node": "plan"}, "2"),
        ({"node": "team/plan"}, "2"),
        ({"model": "m"}, "2"),
        ({"outcome": "ended"}, "13"),
        ({"min_score": 0.5}, "13"),
        ({"min_score": 0.6}, "1"),
        ({"where": lambda trace: trace.id > "1"}, "23"),
        ({"graph": "g", "outcome": "ended", "since": 20.0}, "3"),
    ],
)
def test_every_limit(limits: dict[str, Any], found: str) -> None:
    harvested = harvest(store_of(*TRACES), **limits).run()
    assert sorted(one.trace for one in harvested.examples) == list(found)


def test_a_manifest_tells_what_was_selected(tmp_path: Path) -> None:
    plan = harvest(store_of(*TRACES), tag="good", where=lambda trace: True)
    assert plan.write(tmp_path / "d").manifest["tag"] == "good"
    assert Selection(tag="good", where=asked).params == {"tag": "good", "where": "asked"}
    with pytest.raises(DatasetError, match=r"No trace was selected \(tag 'bad'\)\. The store holds 3 of 'g'\."):
        harvest(store_of(*TRACES), tag="bad").run()
    with pytest.raises(DatasetError, match=r"No trace was selected\. The store holds no traces at all\."):
        harvest(MemoryStore()).run()


def test_traces_that_are_in_no_store(tmp_path: Path) -> None:
    """They come in any order and may be more than memory holds: a temporary file brings them together."""
    traces = [sampled("b", "1", id="x"), sampled("a", "2"), sampled("b", "1", "1")]
    harvested = harvest(iter(traces)).run()
    assert [(one.problem, one.answer, one.traces) for one in harvested.examples] == [
        ("a", "2", ["a"]),
        ("b", "1", ["b", "xb"]),
    ]
    assert harvest(iter(traces)).write(tmp_path / "1").hash == harvest(store_of(*traces)).write(tmp_path / "2").hash


def test_straight_from_files_of_others(data: Path) -> None:
    files = Files(data / "fireact", "fireact")
    harvested = harvest(files, outcome="ended").run()
    assert files.became.traces > 100
    assert harvested.funnel[0]["kept"] >= len(harvested.examples) > 100
    assert harvest(files, outcome="ended").run().examples == harvested.examples, "files are read again"
