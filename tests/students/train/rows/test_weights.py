"""Weights of rows: an exact loss, and nothing else where there are none."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import DatasetError
from langdistill.lab import WEIGHTS
from langdistill.students.train.rows.weights import weighed, weight_of
from langdistill.students.train.training import train
from tests.trained import FEW, losses_of, row, trainer_of, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

ANSWERS = ["yes", "no", "a tie it is", "Think of it once more."]
ROWS = [row(f"What is the capital of {name}?", answer) for name, answer in zip("ABCD", ANSWERS, strict=True)]
WEIGHT = [1.0, 0.25, 0.5, 3.0]
WEIGHTED = [{**one, "weight": weight} for one, weight in zip(ROWS, WEIGHT, strict=True)]


def expected(losses: list[list[float]], weights: list[float]) -> float:
    """Sum of weight x loss over the tokens, divided by the tokens and by the mean weight of a token, of all rows."""
    total = sum(weight * sum(one) for weight, one in zip(weights, losses, strict=True))
    return total / sum(weight * len(one) for weight, one in zip(weights, losses, strict=True))


def first_loss(trainer: Any) -> float:
    """Of the first update, before anything changed."""
    trainer.train()
    return trainer.state.log_history[0]["loss"]


def test_weights_are_scaled_to_one_a_token() -> None:
    rows = [{"labels": [-100, 5]}, {"labels": [-100, 5, 6, 7]}]
    assert [one["weight"] for one in weighed(rows, [1.0, 0.2])] == [2.5, 0.5]
    assert weighed(rows, [0.2, 0.2]) == rows


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "packing"), [(4, 1, False), (4, 1, True), (2, 2, False), (1, 4, False)]
)
def test_the_loss_of_an_update_is_the_weighted_mean(
    batch_size: int, accumulate: int, packing: bool, tmp_path: Path
) -> None:
    more = {"steps": 1, "batch_size": batch_size, "accumulate": accumulate, "packing": packing}
    trainer = trainer_of(tmp_path, WEIGHTED, recipe=FEW.model_copy(update=more))
    assert len(trainer.train_dataset) == (1 if packing else 4)
    losses = losses_of(ROWS)
    assert first_loss(trainer) == pytest.approx(expected(losses, WEIGHT), rel=2e-6)
    assert expected(losses, WEIGHT) != pytest.approx(expected(losses, [1.0] * 4), rel=1e-2)


def test_three_rationales_of_a_third_count_as_one(tmp_path: Path) -> None:
    recipe = FEW.model_copy(update={"steps": 1})
    thrice = [{**ROWS[3], "weight": 1 / 3}] * 3
    assert first_loss(trainer_of(tmp_path / "w", [ROWS[0], *thrice], recipe=recipe)) == pytest.approx(
        first_loss(trainer_of(tmp_path / "once", [ROWS[0], ROWS[3]], recipe=recipe)), rel=2e-6
    )


def test_a_weight_counts_where_a_row_is_alone_in_its_update(tmp_path: Path) -> None:
    alone = FEW.model_copy(update={"steps": 1, "batch_size": 1})
    trainer = trainer_of(tmp_path, WEIGHTED, recipe=alone)
    [batch] = list(trainer.get_train_dataloader())[:1]
    [at] = [at for at, one in enumerate(trainer.train_dataset) if one["input_ids"] == batch["input_ids"][0].tolist()]
    losses = losses_of(ROWS)
    mean = sum(w * len(one) for w, one in zip(WEIGHT, losses, strict=True)) / sum(map(len, losses))
    loss = trainer.compute_loss(trainer.model.eval(), dict(batch)).item()
    assert loss == pytest.approx(WEIGHT[at] / mean * sum(losses[at]) / len(losses[at]), rel=2e-6)


def test_without_weights_nothing_changes(tmp_path: Path) -> None:
    from trl import SFTTrainer

    assert type(trainer_of(tmp_path / "plain", ROWS)) is SFTTrainer
    plain = train(write(tmp_path / "a", ROWS), WEIGHTS, tmp_path / "s", recipe=FEW)
    equal = train(write(tmp_path / "b", [{**one, "weight": 0.1} for one in ROWS]), WEIGHTS, tmp_path / "s", recipe=FEW)
    differ = train(write(tmp_path / "c", WEIGHTED), WEIGHTS, tmp_path / "s", recipe=FEW)
    assert plain.weights == equal.weights != differ.weights


def test_weights_that_are_none_are_counted(tmp_path: Path) -> None:
    rows = [*ROWS, *({**ROWS[0], "weight": weight} for weight in (0, -1, "1", True, None))]
    with pytest.raises(DatasetError, match=r"5 have a weight that is no positive number \(the first is row 5\)"):
        trainer_of(tmp_path, rows)
    assert [weight_of({"weight": weight}) for weight in (nan, inf, -inf, 2)] == [None, None, None, 2.0]
