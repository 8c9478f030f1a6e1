from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError
from langdistill.students.train.objectives.kto import kto, mismatched, shuffled
from langdistill.students.train.objectives.sft import sft
from tests.students.train.objectives.material import (
    ANSWERED,
    FEW,
    LABELLED,
    SHORT,
    disturb,
    job,
    learnt,
    log_probability,
    loss_of,
    precise,
    says,
    trainer_of,
    user,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


def gain(policy: Any, reference: Any, row: dict[str, Any], answer: str = "completion_ids") -> float:
    """By how much likelier an answer is to the policy than to the reference."""
    prompt, said = row["prompt_ids"], row[answer]
    return log_probability(policy, prompt, said) - log_probability(reference, prompt, said)


def test_good_answers_become_likelier_and_bad_ones_rarer(tmp_path: Path) -> None:
    student, losses = learnt(tmp_path, LABELLED, kto(), SHORT)
    policy, reference = precise(student.folder), precise()
    rows = job(tmp_path, LABELLED, kto()).prepared
    good = [gain(policy, reference, row) for row in rows if row["label"]]
    bad = [gain(policy, reference, row) for row in rows if not row["label"]]
    assert (len(good), len(bad)) == (8, 4)
    assert min(good) > max(bad)
    assert sum(good) / 8 > 1
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("stage", [1, 2])
def test_the_loss_is_that_of_the_paper(stage: int, tmp_path: Path) -> None:
    first = learnt(tmp_path / "first", ANSWERED, sft(), FEW)[0] if stage == 2 else None
    all_at_once = FEW.model_copy(update={"batch_size": 12})
    trained = job(tmp_path, LABELLED, kto(beta=0.2), recipe=all_at_once, **({"base": first} if first else {}))
    trainer = trainer_of(trained, tmp_path / "work")
    disturb(trainer.model)
    loss = loss_of(trainer)
    trainer.save_model(str(tmp_path / "policy"))
    assert not (tmp_path / "policy" / "ref").exists()
    policy, reference = precise(tmp_path / "policy"), precise(first.folder if first else None)
    rows = list(trainer.train_dataset)
    divergence = max(0.0, sum(gain(policy, reference, row, "KL_completion_ids") for row in rows) / 12)
    worth = [0.2 * (gain(policy, reference, row) - divergence) * (1 if row["label"] else -1) for row in rows]
    weights = [1.0 if row["label"] else 2.0 for row in rows]
    assert loss == pytest.approx(
        sum(w * (1 - 1 / (1 + math.exp(-one))) for w, one in zip(weights, worth, strict=True)) / 12, abs=1e-5
    )


def test_each_pass_estimates_the_divergence_on_its_own_answers() -> None:
    rows = [{"completion_ids": [at]} for at in range(7)]
    assert [row["KL_completion_ids"][0] for row in mismatched(rows, 3)] == [2, 0, 1, 5, 3, 4, 5]
    assert [row["completion_ids"][0] for row in mismatched(rows, 3)] == list(range(7))
    order = shuffled(rows, 1)
    assert order != rows
    assert sorted(row["completion_ids"][0] for row in order) == list(range(7))
    assert order == shuffled(rows, 1) != shuffled(rows, 2)


def test_both_kinds_weigh_alike_together_unless_told() -> None:
    assert kto().weights(8, 4) == (1.0, 2.0)
    assert kto().weights(4, 8) == (2.0, 1.0)
    assert kto(desirable_weight=3).weights(8, 4) == (3, 6.0)
    assert kto(undesirable_weight=3).weights(8, 4) == (1.5, 3)
    assert kto(desirable_weight=1, undesirable_weight=1).weights(8, 4) == (1, 1)
    assert kto().remarks(LABELLED) == ["8 answers are good and 4 bad; they weigh 1 and 2."]


def test_what_cannot_be_learnt_is_told(tmp_path: Path) -> None:
    good = [one for one in LABELLED if one["label"]]
    with pytest.raises(DatasetError, match="of 8 rows 8 are good and 0 bad"):
        _ = job(tmp_path / "good", good, kto()).prepared
    with pytest.raises(StudentError, match="batch_size=1"):
        _ = job(tmp_path / "alone", LABELLED, kto(), recipe=FEW.model_copy(update={"batch_size": 1})).prepared
    with pytest.raises(DatasetError, match="1 have no label"):
        _ = job(tmp_path / "unlabelled", [*LABELLED, ANSWERED[0]], kto()).prepared
    with pytest.raises(StudentError, match="must be above 0"):
        kto(desirable_weight=0)


def test_real_labelled_reasoning_is_prepared_or_refused_with_a_reason(data: Path, tmp_path: Path) -> None:
    import json

    told = [json.loads(line) for line in (data / "autorace" / "strategyqa.jsonl").read_text().splitlines()]
    rows = [
        {"prompt": user(one["question"]), "completion": says(one["reasoning_chain"]), "label": bool(one["human_label"])}
        for one in told
    ]
    trained = job(tmp_path, rows, kto(), recipe=FEW.model_copy(update={"max_length": 2048}))
    assert len(trained.prepared) == 200
    assert all(len(row["prompt_ids"]) + len(row["completion_ids"]) == trained.objective.sizes(row)[0] for row in trained.prepared)  # fmt: skip
    assert trained.objective.remarks(rows) == ["71 answers are good and 129 bad; they weigh 1.82 and 1."]
