from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.comparing import compare
from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import read_dataset
from langdistill.filters.agreement import agreement
from langdistill.records import Example
from langdistill.scale.engines import find_engine
from langdistill.testing.store_conformance import ODD
from tests.datasets.test_harvest_safety import sampled, store_of

HALF = "half \ud83d"
TOLD = ODD.encode("utf-8", "backslashreplace").decode()


def test_what_no_file_holds_is_rejected_and_the_others_are_written(tmp_path: Path) -> None:
    asked: Any = [{"role": "user", "content": HALF}]
    odd = [
        sampled(HALF, "1", input=asked), sampled(f"a{ODD}", "1"), sampled("b", "1", "2"),
        sampled("c", HALF), sampled(f"d{HALF}", "1", "2"), sampled("e", "1", consent=HALF, licence=ODD),
    ]  # fmt: skip
    odd = [one.model_copy(update={"name": ODD}) for one in odd]
    plan = harvest(store_of(*odd), graph=ODD).filter(agreement())
    dataset = plan.write(tmp_path / "d")
    assert [stage["kept"] for stage in dataset.funnel] == [6, 4, 4, 1]
    assert dataset.funnel[-1] == {"stage": "format trl", "kept": 1, "dropped": 3, "reasons": {"not-json": 3}}
    told = read_dataset(tmp_path / "d")
    assert told.manifest == dataset.manifest
    assert told.manifest["graph"] == TOLD
    assert {(one["problem"], one["reason"]) for one in told.rejects()} == {
        ("half \\ud83d", "not-json"), (f"a{TOLD}", "not-json"), ("c", "not-json"), ("b", "tied"), ("dhalf \\ud83d", "tied"),
    }  # fmt: skip
    assert told.manifest["terms"]["consent"] == {"half \\ud83d": 1}
    assert compare(tmp_path / "d", tmp_path / "d").same
    assert len(plan.run().examples) == 4, "in memory there is nothing that cannot be told"


def test_numbers_of_any_size(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"most": 2**70}}}

    def tooled(group: Any) -> Any:
        from langdistill.datasets.targets.one_sample import one_sample
        from langdistill.groups import Rows

        [row] = one_sample(group).examples
        return Rows((row.model_copy(update={"tools": [tool]} if group.problem == "a" else {}),))

    dataset = harvest(store_of(sampled("a", "1"), sampled("b", "1"))).target(tooled).write(tmp_path / "d")
    assert [row["problem"] for row in dataset.rows()] == ["b"]


@pytest.mark.parametrize("field", ["problem", "answer"])
def test_a_row_has_a_digest_whatever_it_says(field: str) -> None:
    row: dict[str, Any] = {"messages": [], "target": [], "problem": "p", "trace": "t"}
    assert len({Example(**row | {field: text}).content for text in ("\ud800", "\ud801", "x")}) == 3


def test_here_is_an_engine_by_name() -> None:
    assert len(harvest(store_of(sampled("a", "1"))).on(find_engine("local")).run().examples) == 1
