from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError, StudentError, UnknownName
from langdistill.students.train.objectives.dpo import dpo
from langdistill.students.train.objectives.sft import sft
from tests.students.train.objectives.material import (
    ANSWERED,
    FEW,
    PAIRS,
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


def margins(policy: Any, reference: Any, rows: list[dict[str, Any]]) -> list[float]:
    """By how much more the policy prefers each chosen answer than the reference does."""
    return [
        sum(
            sign * (log_probability(policy, row["prompt_ids"], row[name]) - log_probability(reference, row["prompt_ids"], row[name]))
            for name, sign in (("chosen_ids", 1), ("rejected_ids", -1))
        )
        for row in rows
    ]  # fmt: skip


def test_chosen_answers_win_over_rejected_ones(tmp_path: Path) -> None:
    student, losses = learnt(tmp_path, PAIRS, dpo(), SHORT)
    rows = job(tmp_path, PAIRS, dpo()).prepared
    found = margins(precise(student.folder), precise(), rows)
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4), "before the first step the policy is the reference"
    assert min(found) > 1
    assert losses[-1] < math.log(2) / 2


def test_the_loss_is_that_of_the_paper_and_the_reference_is_the_base(tmp_path: Path) -> None:
    trained = job(tmp_path, PAIRS, dpo(beta=0.3))
    loss, policy = first_loss(trained, tmp_path)
    found = margins(precise(policy), precise(), trained.prepared)
    assert loss == pytest.approx(sum(math.log1p(math.exp(-0.3 * one)) for one in found) / 12, abs=1e-5)


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_where_a_student_goes_on_the_reference_is_that_student(adapter: str, tmp_path: Path) -> None:
    recipe = FEW.model_copy(update={"adapter": adapter, "learning_rate": 1e-3})
    first, _ = learnt(tmp_path / "first", ANSWERED, sft(), recipe)
    trained = job(tmp_path, PAIRS, dpo(), base=first, recipe=recipe)
    loss, policy = first_loss(trained, tmp_path)
    here = {"lora": lambda folder: precise(folder), "full": lambda folder: precise(model=folder)}[adapter]
    found = margins(here(policy), here(first.folder), trained.prepared)
    assert loss == pytest.approx(sum(math.log1p(math.exp(-0.1 * one)) for one in found) / 12, abs=1e-5)
    assert abs(loss - math.log(2)) > 1e-3
    assert not (policy / "ref").exists(), "the copy of the reference is no part of the student"


def first_loss(trained: Any, folder: Path) -> tuple[float, Path]:
    """The loss of all rows after the weights were moved, and where the moved weights are."""
    trainer = trainer_of(trained, folder / "work")
    disturb(trainer.model)
    loss = loss_of(trainer)
    trainer.save_model(str(folder / "policy"))
    return loss, folder / "policy"


def test_what_is_prepared_is_what_the_template_prints(tmp_path: Path) -> None:
    trained = job(tmp_path, PAIRS, dpo())
    row = trained.prepared[0]
    said = {name: trained.tokenizer.decode(ids) for name, ids in row.items()}
    assert said == {
        "prompt_ids": "<|begin|><|user|>What is the capital of A?<|end|><|assistant|>",
        "chosen_ids": "Yes<|end|>",
        "rejected_ids": "No<|end|>",
    }
    both = sum(len(ids) for ids in row.values()) + len(row["prompt_ids"])
    assert trained.objective.sizes(row) == (both, len(row["chosen_ids"]) + len(row["rejected_ids"]))


GOOD = PAIRS[0]


@pytest.mark.parametrize(
    ("row", "says_so"),
    [
        ({**GOOD, "chosen": says(" ")}, "1 have nothing in the column 'chosen' but an empty answer"),
        ({**GOOD, "chosen": says([{"type": "text", "text": " "}])}, "1 have nothing in the column 'chosen' but an empty answer"),
        ({**GOOD, "rejected": []}, "1 have no messages in the column 'rejected'"),
        ({**GOOD, "rejected": "no"}, "1 have no messages in the column 'rejected'"),
        ({"chosen": says("a"), "rejected": says("b")}, "1 have no messages in the column 'prompt'"),
        ({**GOOD, "rejected": GOOD["chosen"]}, "1 have the same answer twice"),
        ({**GOOD, "rejected": says("no " * 600)}, "1 are longer than 512 tokens"),
        ({**GOOD, "weight": 0.5}, "1 carry a weight"),
        ({**GOOD, "chosen": [*says("one"), *user("and?"), *says("two")]}, "1 fail with wrong-mask"),
        ({**GOOD, "tools": [{"type": "function", "function": {"name": "look_up"}}]}, "1 fail with template-loses-tools"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_weighed_are_refused_with_the_reason(
    row: dict[str, Any], says_so: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=says_so):
        _ = job(tmp_path, [GOOD, row], dpo()).prepared


def test_settings_out_of_their_range_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no loss of dpo named 'cake'"):
        dpo(loss="cake")
    for settings in ({"beta": 0}, {"label_smoothing": 0.5}, {"loss": "exo_pair"}):
        with pytest.raises(StudentError, match="beta must be above 0"):
            dpo(**settings)
    packed = FEW.model_copy(update={"packing": True})
    with pytest.raises(StudentError, match="dpo cannot pack"):
        _ = job(tmp_path, PAIRS, dpo(), recipe=packed).prepared


@pytest.mark.parametrize("loss", ["ipo", "robust", "apo_zero"])
def test_the_other_losses_are_reached(loss: str, tmp_path: Path) -> None:
    trained = job(tmp_path, PAIRS, dpo(loss=loss, label_smoothing=0.1 if loss == "robust" else 0.0))
    found, policy = first_loss(trained, tmp_path)
    wins = margins(precise(policy), precise(), trained.prepared)
    smooth = [math.log1p(math.exp(-0.1 * one)) for one in wins], [math.log1p(math.exp(0.1 * one)) for one in wins]
    if loss == "robust":
        assert found == pytest.approx(sum(0.9 * a - 0.1 * b for a, b in zip(*smooth, strict=True)) / 0.8 / 12, abs=1e-5)
    else:
        assert found != pytest.approx(sum(smooth[0]) / 12, abs=1e-3)


def test_pairs_of_real_solutions_are_prepared_or_refused_with_a_reason(data: Path, tmp_path: Path) -> None:
    import json

    lines = (data / "gsm8k" / "example_model_solutions.jsonl").read_text().splitlines()[:300]
    told = [json.loads(line) for line in lines]
    pairs = [
        {"prompt": user(one["question"]), "chosen": says(one["175b_verification"]["solution"]), "rejected": says(one["6b_finetuning"]["solution"])}
        for one in told
        if one["175b_verification"]["is_correct"] and not one["6b_finetuning"]["is_correct"]
    ]  # fmt: skip
    trained = job(tmp_path, pairs, dpo())
    prepared = dpo().prepared(pairs, trained.tokenizer, 4096)
    assert len(prepared) == len(pairs) == 108
    for row, pair in zip(prepared, pairs, strict=True):
        for name in ("chosen", "rejected"):
            assert trained.tokenizer.decode(row[f"{name}_ids"]) == pair[name][0]["content"] + "<|end|>"
    with pytest.raises(DatasetError, match=r"Of 108 rows some cannot .* 36 are longer than 512 tokens"):
        _ = trained.prepared
