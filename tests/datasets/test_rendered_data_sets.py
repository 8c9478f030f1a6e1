"""Renderings on their way to a file: counted, weighed, rejected with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.datasets.renderings.four_formats import four_formats
from langdistill.datasets.renderings.step_by_step import step_by_step
from langdistill.datasets.renderings.zero_shot_cot import zero_shot_cot
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.errors import DatasetError
from tests.reasoned import solved

RUNS = [solved(f"p{at:02}", *[f"way {way}\nAnswer: {at}" for way in range(1 + at % 3)]) for at in range(30)]
"""Thirty problems with one, two or three ways to solve them: sixty rows."""


def test_every_problem_counts_once(tmp_path: Path) -> None:
    plan = harvest(RUNS).target(with_reasoning).balanced().render(step_by_step())
    rows = plan.write(tmp_path / "d").rows()
    assert len(rows) == 120
    for style in ("label", "rationale"):
        for at in range(30):
            mine = [one.get("weight", 1) for one in rows if one["problem"] == f"p{at:02}" and one["style"] == style]
            assert mine == [1 / (1 + at % 3)] * (1 + at % 3)
    assert sum("weight" not in one for one in rows) == 2 * 10


def test_unbalanced_rows_bear_no_weight(tmp_path: Path) -> None:
    rows = harvest(RUNS).target(with_reasoning).write(tmp_path / "d").rows()
    assert len(rows) == 60
    assert not [one for one in rows if "weight" in one or "style" in one]


def test_what_cannot_be_rendered_is_counted_and_rejected(tmp_path: Path) -> None:
    runs = [*RUNS[:3], solved("mute", "7"), solved("zmute", "8")]
    plan = harvest(runs).target(with_reasoning).render(zero_shot_cot())
    dataset = plan.write(tmp_path / "d", validation=0)
    assert dataset.funnel[-1] == {
        "stage": "rendering zero_shot_cot",
        "kept": 6,
        "dropped": 2,
        "reasons": {"no-reasoning": 2},
    }
    rejects = list(dataset.rejects())
    assert rejects == [
        {"problem": name, "stage": "rendering zero_shot_cot", "reason": "no-reasoning", "call": f"{name}-0"}
        for name in ("mute", "zmute")
    ]
    assert dataset.manifest["rendering"] == {
        "name": "zero_shot_cot",
        "styles": ["zero_shot_cot"],
        "cot": "{question}\nThink step by step.",
        "direct": "{question}",
        "solution": "{reasoning}\nAnswer: {answer}",
        "label": "{answer}",
    }


def test_nothing_rendered_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no-reasoning': 1.*rendering"):
        harvest([solved("mute", "7")]).target(with_reasoning).render(zero_shot_cot()).write(tmp_path / "d")
    assert not list(tmp_path.iterdir())


def test_validation_shows_training_problems_only_and_hashes_are_stable(tmp_path: Path) -> None:
    plan = harvest(RUNS).target(with_reasoning).render(four_formats("in_context_cot", shots=3))
    one, two = (plan.write(tmp_path / name, validation=0.3) for name in ("one", "two"))
    assert one.hash == two.hash
    train = {row["problem"] for row in one.rows("train")}
    aside = one.rows("validation")
    assert 10 < len(train) < 30
    assert aside
    for row in [*aside, *one.rows("train")]:
        *shown, own = row["prompt"][0]["content"].split("\n\n")
        problems = {text[8:11] for text in shown}
        assert len(problems) == 3
        assert problems <= train - {row["problem"]}
        assert own == f"What is {row['problem']}?\nThink step by step."
    styles = [json.loads(line).get("style") for line in (tmp_path / "one" / "sources.jsonl").read_text().splitlines()]
    assert styles == ["in_context_cot"] * 60
