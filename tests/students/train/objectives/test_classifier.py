from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.students.train.objectives.classifier import classifier
from langdistill.students.train.training import train
from tests.students.train.objectives.material import (
    ANSWERED,
    ANSWERS,
    FEW,
    SHORT,
    disturb,
    job,
    learnt,
    loss_of,
    precise,
    says,
    trainer_of,
    user,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


def test_three_labels_are_learnt(tmp_path: Path) -> None:
    student, losses = learnt(tmp_path, ANSWERED, classifier(), SHORT)
    assert (student.head, student.labels) == ("classes", ["7", "No", "Yes"])
    found = student.classifier().batch([row["prompt"] for row in ANSWERED])
    assert sum(one["label"] == answer for one, answer in zip(found, ANSWERS, strict=True)) >= 11
    assert all(sum(one["probabilities"].values()) == pytest.approx(1) for one in found)
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("balanced", [False, True])
def test_the_loss_heeds_the_weight_of_a_row_and_of_a_label(balanced: bool, tmp_path: Path) -> None:
    import torch

    rows = [dict(row) for row in ANSWERED[:7]]
    rows[0]["weight"] = 3.0
    trained = job(tmp_path, rows, classifier(balanced=balanced))
    trainer = trainer_of(trained, tmp_path / "work")
    disturb(trainer.model)
    loss = loss_of(trainer)
    trainer.save_model(str(tmp_path / "policy"))
    model = precise(tmp_path / "policy", numbers=3)
    weights = [3.0, *[1.0] * 6]
    if balanced:  # Yes, No, 7, Yes, No, 7, Yes
        weights = [weight / (3 if at % 3 == 0 else 2) for at, weight in enumerate(weights)]
    expected = 0.0
    for row, weight in zip(trained.prepared, weights, strict=True):
        with torch.inference_mode():
            shares = model(input_ids=torch.tensor([row["input_ids"]])).logits[0].log_softmax(-1)
        expected -= weight / sum(weights) * float(shares[["7", "No", "Yes"].index(row["label"])])
    assert loss == pytest.approx(expected, abs=1e-5)


def test_a_plan_is_told_how_uneven_labels_are() -> None:
    rows = ANSWERED[:4]
    [said] = classifier().remarks(rows)
    assert said == (
        "Labels: 'Yes' 2, 'No' 1, '7' 1; always saying the first would be right for 50% of the rows, and each row weighs alike."
    )
    assert "all labels weigh alike" in classifier(balanced=True).remarks(rows)[0]


def test_what_is_no_classification_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"1 different texts \('Yes'\)"):
        _ = job(tmp_path / "one", ANSWERED[:1], classifier()).prepared
    texts = [{"prompt": user("Say."), "completion": says(f"number {at}")} for at in range(65)]
    with pytest.raises(DatasetError, match="65 different texts"):
        _ = job(tmp_path / "texts", texts, classifier()).prepared
    strange = [
        *ANSWERED,
        {"prompt": user("Say."), "completion": [*says("yes"), *says("no")]},
        {"prompt": [], "completion": says("yes")},
        {"prompt": user("zebra " * 600), "completion": says("yes")},
        {"prompt": user("Say."), "completion": says("yes"), "weight": 0},
    ]
    with pytest.raises(DatasetError) as refused:
        _ = job(tmp_path / "strange", strange, classifier()).prepared
    assert "1 have no label" in str(refused.value)
    assert "1 have no messages in the column 'prompt' (the first is row 14)" in str(refused.value)
    assert "1 are longer than 512 tokens" in str(refused.value)
    assert "1 have a weight that is no positive number" in str(refused.value)


def test_labels_that_only_held_out_rows_have_are_refused(tmp_path: Path) -> None:
    trained = job(tmp_path, ANSWERED, classifier())
    held_out: list[dict[str, Any]] = [{"prompt": user("Say."), "completion": says("perhaps")}]
    (tmp_path / "rows" / "validation.jsonl").write_text(json.dumps(held_out[0]) + "\n")
    with pytest.raises(DatasetError, match="none of the training rows has: perhaps"):
        train(tmp_path / "rows", trained.base, tmp_path / "s", objective=classifier(), recipe=FEW)


def test_a_classifier_goes_on_with_the_same_labels_alone(tmp_path: Path) -> None:
    first, _ = learnt(tmp_path / "first", ANSWERED, classifier(), FEW)
    second, _ = learnt(tmp_path / "second", ANSWERED, classifier(), FEW, base=first)
    assert second.labels == first.labels
    with pytest.raises(StudentError, match="has the labels 7, No, Yes; these rows have No, Yes"):
        learnt(tmp_path / "third", ANSWERED[:2], classifier(), FEW, base=first)
    with pytest.raises(StudentError, match="gives classes; sft trains what gives text"):
        train(tmp_path / "first" / "rows", first, tmp_path / "s", recipe=FEW)
