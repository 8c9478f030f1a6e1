from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.students.train.objectives.pairwise_ranker import pairwise_ranker
from tests.students.train.objectives.material import (
    FEW,
    PAIRS,
    SHORT,
    disturb,
    job,
    learnt,
    loss_of,
    precise,
    trainer_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


def test_chosen_answers_score_higher(tmp_path: Path) -> None:
    student, losses = learnt(tmp_path, PAIRS, pairwise_ranker(), SHORT)
    assert student.head == "score"
    scorer = student.scorer()
    asked = [{"question": row["prompt"], "reply": row[name]} for name in ("chosen", "rejected") for row in PAIRS]
    scores = scorer.batch(asked)
    assert sum(a > b for a, b in zip(scores[:12], scores[12:], strict=True)) >= 11
    assert losses[-1] < losses[0] / 4
    single = [
        scorer.invoke({"question": row["prompt"][0]["content"], "reply": row["chosen"][0]["content"]}) for row in PAIRS
    ]
    assert single == pytest.approx(scores[:12], abs=1e-5), (
        "a text is the user's or the assistant's, alone or in a batch"
    )


@pytest.mark.parametrize("margin", [None, 0.7])
def test_the_loss_is_that_of_bradley_and_terry_less_the_margin(margin: float | None, tmp_path: Path) -> None:
    pairs: list[dict[str, Any]] = [dict(row) for row in PAIRS]
    if margin:
        pairs[0]["margin"] = margin
    trained = job(tmp_path, pairs, pairwise_ranker(centre=0.01))
    trainer = trainer_of(trained, tmp_path / "work")
    disturb(trainer.model)
    loss = loss_of(trainer)
    trainer.save_model(str(tmp_path / "policy"))
    model = precise(tmp_path / "policy", numbers=1)
    scores = [[score(model, row[name]) for name in ("chosen_ids", "rejected_ids")] for row in trained.prepared]
    wanted = [margin or 0.0, *[0.0] * 11]
    pairwise = [math.log1p(math.exp(-(a - b - m))) for (a, b), m in zip(scores, wanted, strict=True)]
    centred = 0.01 * sum((a + b) ** 2 for a, b in scores) / 12
    assert loss == pytest.approx(sum(pairwise) / 12 + centred, abs=1e-5)


def test_equal_scores_lose_ln_2(tmp_path: Path) -> None:
    trainer = trainer_of(job(tmp_path, PAIRS, pairwise_ranker()), tmp_path / "work")
    disturb(trainer.model)
    for name, weights in trainer.model.named_parameters():
        if ".score." in name:
            weights.data.zero_()
    assert loss_of(trainer) == pytest.approx(math.log(2), abs=1e-6)


def score(model: Any, ids: list[int]) -> float:
    """The head's weights times what the last token came to."""
    import torch

    inner = model.base_model.model
    with torch.inference_mode():
        last = inner.model(input_ids=torch.tensor([ids])).last_hidden_state[0, -1]
        return float(last @ inner.score.modules_to_save["default"].weight[0])


def test_margins_must_be_numbers_and_are_told(tmp_path: Path) -> None:
    objective = pairwise_ranker()
    pairs = [PAIRS[0] | {"margin": 1}, *PAIRS[1:]]
    assert objective.remarks(pairs) == ["1 of 12 pairs have a margin; the others have 0."]
    assert objective.remarks(PAIRS) == []
    assert [row["margin"] for row in job(tmp_path / "some", pairs, objective).prepared] == [1.0, *[0.0] * 11]
    assert "margin" not in job(tmp_path / "none", PAIRS, objective).prepared[0]
    with pytest.raises(DatasetError, match="1 have a margin that is no number"):
        _ = job(tmp_path / "text", [PAIRS[0] | {"margin": "much"}], objective).prepared
    with pytest.raises(StudentError, match="0 or more"):
        pairwise_ranker(centre=-1)


def test_all_weights_may_be_trained_and_a_ranker_may_go_on(tmp_path: Path) -> None:
    full = FEW.model_copy(update={"adapter": "full", "learning_rate": 1e-3})
    whole, _ = learnt(tmp_path / "whole", PAIRS, pairwise_ranker(), full)
    assert whole.holds == "model"
    first, _ = learnt(tmp_path / "first", PAIRS, pairwise_ranker(), FEW)
    second, _ = learnt(tmp_path / "second", PAIRS, pairwise_ranker(), FEW, base=first)
    asked = [{"question": row["prompt"], "reply": row["chosen"]} for row in PAIRS]
    found = [student.scorer().batch(asked) for student in (whole, first, second)]
    assert all(len(set(scores)) > 1 for scores in found)
    assert found[1] != found[2]
    assert [stage.objective for stage in second.stages] == ["pairwise_ranker"] * 2
