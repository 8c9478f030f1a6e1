"""Training material from real sampled solutions: GSM8K's example_model_solutions (Cobbe et al., 2110.14168; MIT)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.answers import final_answer, same
from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import read_dataset
from langdistill.datasets.renderings.four_formats import STYLES, four_formats
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.filters.correct import correct
from langdistill.records import Call, Reply, Trace

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def with_line(solution: str) -> str:
    """The last line, "A: 18", in the words that an answer is read by."""
    head, _, last = solution.rpartition("\n")
    return f"{head}\nAnswer: {last.removeprefix('A:').strip()}"


def run(at: int, row: dict[str, Any]) -> Trace:
    calls = [
        Call(
            id=f"{at}-{model}",
            candidate=True,
            model=model,
            replies=[Reply(message={"role": "assistant", "content": with_line(row[model]["solution"])})],
        )
        for model in MODELS
    ]
    question: Any = [{"role": "user", "content": row["question"]}]
    return Trace(id=f"t{at:04}", input=question, calls=calls, metadata={"problem": f"q{at:04}"}, licence="MIT")


@pytest.mark.slow
def test_correct_only_in_four_formats_with_equal_weight_per_question(data: Path, tmp_path: Path) -> None:
    lines = (data / "gsm8k" / "example_model_solutions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    right = [sum(row[model]["is_correct"] for model in MODELS) for row in rows]
    gold = {f"q{at:04}": str(final_answer(with_line(row["ground_truth"]))) for at, row in enumerate(rows)}
    plan = (
        harvest([run(at, row) for at, row in enumerate(rows)]).target(with_reasoning).filter(correct(gold)).balanced()
    )
    dataset = plan.render(four_formats()).write(tmp_path / "d")

    assert [(stage["kept"], stage["rows"]) for stage in dataset.funnel[:3]] == [(1319, 0), (1319, 5276), (887, 2001)]
    assert (sum(one > 0 for one in right), sum(right)) == (887, 2001)
    assert dataset.funnel[2]["row_reasons"] == {"wrong": 887 * 4 - 2001}
    found = read_dataset(tmp_path / "d").rows()
    assert len(found) == 4 * 2001
    for style in STYLES:
        mine = [row for row in found if row["style"] == style]
        assert len(mine) == 2001
        assert sum(row.get("weight", 1) for row in mine) == pytest.approx(887)
    assert not [row for row in found if "<<" in json.dumps(row)]
    reasoned = [row for row in found if row["style"].endswith("_cot")]
    assert all(same(str(final_answer(row["completion"][0]["content"])), gold[row["problem"]]) for row in reasoned)
