"""What each stage lets through, as it is counted, written and proven."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from langdistill import agreement, harvest
from langdistill.datasets.rows import row_of
from langdistill.filters.judging import CorpusFilter, Filter, Judgement, RowFilter
from langdistill.groups import Group, Rows, candidates
from langdistill.records import Example, Trace, Verdict
from tests.datasets.test_harvest_safety import sampled, store_of


@dataclass(frozen=True)
class Even(RowFilter):
    """Keeps rows whose answer is even, and cannot judge what is no number."""

    def judge(self, row: Example, group: Group) -> Judgement:
        if not str(row.answer).isdigit():
            return Judgement(None, "no-number")
        return Judgement(int(str(row.answer)) % 2 == 0, "even" if int(str(row.answer)) % 2 == 0 else "odd")


@dataclass(frozen=True)
class Unrepeated(CorpusFilter):
    """Drops a problem whose first answer the next problem has, too: it must look ahead, so it goes through twice."""

    def over(self, groups: Iterable[Group]) -> Iterator[Verdict]:
        firsts = [group.rows[0].answer for group in groups]
        for at, group in enumerate(groups):
            assert not group.originals
            again = firsts[at + 1 : at + 2] == [group.rows[0].answer]
            yield self.says(not again, "repeated" if again else "alone")


@dataclass(frozen=True)
class Seen(Filter):
    """Keeps what still has its traces."""

    def __call__(self, group: Group) -> Verdict:
        return self.says(bool(group.originals), "traces" if group.originals else "no-traces")


def every_sample(group: Group) -> Rows:
    found = [
        row_of(group, group.question, [{"role": "assistant", "content": one.answer}], [one.trace], answer=one.answer)
        for trace in group.originals
        for one in candidates(trace, group.extract)
        if one.answer
    ]
    return Rows(tuple(found), "found" if found else "no-answer")


STORE = [
    sampled("a", "1", "2", "4"), sampled("b", "1", "3"), sampled("c", "x", "y"), sampled("d", "x", "2"),
    sampled("e", "6"), sampled("f", "6"), sampled("g", None),
]  # fmt: skip


def funnel(plan: Any) -> list[tuple[Any, ...]]:
    return [
        (one["stage"], one["kept"], one["dropped"], one["reasons"], one["rows"], one.get("row_reasons", {}))
        for one in plan.run().funnel[1:]
    ]


def test_rows_and_problems_are_counted_apart() -> None:
    plan = harvest(store_of(*STORE)).target(every_sample).filter(Even())
    assert funnel(plan) == [
        ("target", 6, 1, {"no-answer": 1}, 11, {}),
        ("test_waterfall", 4, 2, {"odd": 1, "no-number": 1}, 5, {"odd": 1, "no-number": 1}),
    ]
    answers = {(one.problem, one.answer) for one in plan.run().examples}
    assert answers == {("a", "2"), ("a", "4"), ("d", "2"), ("e", "6"), ("f", "6")}, "what could not be judged goes"


def test_what_could_not_be_judged_has_its_own_policy() -> None:
    plan = harvest(store_of(*STORE)).target(every_sample)
    kept = plan.filter(Even(), unjudged="keep").run()
    assert kept.funnel[-1]["unjudged"] == 1
    assert [one.verdicts[-1].keep for one in kept.examples if one.problem == "c"] == [None, None], "it is marked"
    assert {one.problem for one in plan.filter(Even()).run().examples} == set("adef")


def test_a_filter_over_the_corpus_stands_between_others() -> None:
    plan = harvest(store_of(*STORE)).target(every_sample).filter(Even(), Unrepeated(), Seen())
    assert funnel(plan)[2:] == [
        ("test_waterfall", 2, 2, {"repeated": 2}, 2, {}),
        ("test_waterfall", 2, 0, {}, 2, {}),
    ]
    assert [one["problem"] for one in plan.run().rejects] == list("aabcdeg"), "in the order of the problems"


def test_rejects_name_rows_and_hold_no_text(tmp_path: Path) -> None:
    harvest(store_of(*STORE)).target(every_sample).filter(Even()).write(tmp_path / "d")
    rejects = [json.loads(line) for line in (tmp_path / "d/rejects.jsonl").read_text().splitlines()]
    assert rejects[0] == {"problem": "a", "stage": "test_waterfall", "reason": "odd", "call": None}
    assert [one["reason"] for one in rejects] == ["odd", "odd", "no-number", "no-number", "no-answer"]
    assert [one["reason"] for one in rejects[1]["verdicts"]] == ["found", "odd"]
    assert "What is" not in (tmp_path / "d/rejects.jsonl").read_text()
    sources = [json.loads(line) for line in (tmp_path / "d/sources.jsonl").read_text().splitlines()]
    assert {"file": "rejects.jsonl", "row": 0, "problem": "a", "traces": ["a"]} in sources


def test_a_probe_tells_how_right_the_labels_are_and_changes_nothing_else(tmp_path: Path) -> None:
    plan = harvest(store_of(sampled("a", "1", "1", "1"), sampled("b", "2", "2", "3"), sampled("c", "4"))).filter(
        agreement(min_share=0.7)
    )
    gold = {"a": "1", "b": "3"}
    told = plan.probe(gold).run()
    assert [one.get("labels") for one in told.funnel] == [
        None,
        {"right": 1, "of": 2, "interval": [0.0945, 0.9055]},
        {"right": 1, "of": 1, "interval": [0.2065, 1.0]},
    ]
    poisoned = plan.probe({"a": "9", "b": "9", "c": "9"})
    assert poisoned.run().examples == told.examples == plan.run().examples
    assert poisoned.write(tmp_path / "1").hash == plan.write(tmp_path / "2").hash
    assert poisoned.run().chain == plan.run().chain


def test_each_problem_counts_once_when_balanced() -> None:
    plan = harvest(store_of(*STORE)).target(every_sample).filter(Even())
    assert {one.weight for one in plan.run().examples} == {1.0}
    weights = {one.problem: [] for one in plan.run().examples}
    for one in plan.balanced().run().examples:
        weights[one.problem].append(one.weight)
    assert weights == {"a": [0.5, 0.5], "d": [1.0], "e": [1.0], "f": [1.0]}


def test_terms_are_carried_by_row_and_told_by_the_card(tmp_path: Path) -> None:
    traces = [
        Trace(id=name, name="g", input=[{"role": "user", "content": f"Q{name[0]}"}], answer="1", licence=licence,
              consent="training")
        for name, licence in (("a", "MIT"), ("b", "MIT"), ("b2", "CC-BY-4.0"), ("c", None))
    ]  # fmt: skip
    dataset = harvest(store_of(*traces)).write(tmp_path / "d")
    sources = [json.loads(line) for line in (tmp_path / "d/sources.jsonl").read_text().splitlines()]
    assert sorted(str(one.get("licence")) for one in sources) == ["CC-BY-4.0; MIT", "MIT", "None"]
    assert {one["consent"] for one in sources} == {"training"}
    assert dataset.manifest["terms"] == {
        "consent": {"training": 3},
        "licence": {"CC-BY-4.0; MIT": 1, "MIT": 1, "unknown": 1},
    }
    card = (tmp_path / "d/README.md").read_text()
    assert "license: other" in card
    assert "Licence: CC-BY-4.0; MIT (1 rows), MIT (1 rows), unknown (1 rows)." in card


def test_an_interrupt_of_the_user_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    first = harvest(store_of(*STORE)).target(every_sample).write(tmp_path / "d")

    @dataclass(frozen=True)
    class Breaks(Filter):
        def __call__(self, group: Group) -> Verdict:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harvest(store_of(*STORE)).filter(Breaks()).write(tmp_path / "d", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
    assert json.loads((tmp_path / "d/manifest.json").read_text())["hash"] == first.hash
