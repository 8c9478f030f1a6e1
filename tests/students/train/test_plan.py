from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from langdistill.lab import WEIGHTS
from langdistill.students.train.job import Job, planned
from langdistill.students.train.memory import Memory, Parameters, memory
from langdistill.students.train.plan import plan
from langdistill.students.train.recipe import MINIATURE, Recipe
from tests.trained import row, write

ROWS = [row("What is " + "1 + " * length + "1?", "yes") for length in range(1, 11)]
RECIPE = MINIATURE.model_copy(update={"steps": None, "epochs": 3.0, "batch_size": 4})


def job(folder: Path, recipe: Recipe = RECIPE) -> Job:
    return planned(write(folder / "data", ROWS), WEIGHTS, folder / "s", objective="sft", recipe=recipe, seed=0)


def test_a_plan_counts_what_the_training_does(tmp_path: Path) -> None:
    asked = job(tmp_path)
    found = plan(asked)
    lengths = sorted(len(one["input_ids"]) for one in asked.prepared)
    tokens = found.tokens
    assert (tokens.total, tokens.longest) == (sum(lengths), lengths[-1])
    assert (tokens.median, tokens.p95) == (lengths[4], lengths[9])
    assert tokens.trained == 4 * len(ROWS), "y, e, s and the end"
    assert (found.rows, found.validation_rows, found.devices) == (10, 0, 1)
    assert (found.steps, found.epochs) == (9, 3.0)
    assert (found.parameters, found.trained_parameters) == (962_304 + 163_840, 163_840)
    assert (found.seconds, found.tokens_per_second) == (None, None)
    assert found.student == str(tmp_path / "s" / "v1")
    assert list(tmp_path.iterdir()) == [tmp_path / "data"], "nothing was written"


def test_a_plan_shows_what_is_trained(tmp_path: Path) -> None:
    [first, *_] = plan(job(tmp_path)).mask
    assert [piece.trained for piece in first] == [False, True]
    assert first[1].text == "yes<|end|>"
    assert "What is 1 + 1?" in first[0].text


def test_padding_is_what_batches_of_the_longest_row_waste(tmp_path: Path) -> None:
    alone = RECIPE.model_copy(update={"batch_size": 1})
    assert plan(job(tmp_path, alone)).padding == 0
    together = RECIPE.model_copy(update={"batch_size": 10})
    found = plan(job(tmp_path / "together", together))
    assert found.padding == pytest.approx(1 - found.tokens.total / (10 * found.tokens.longest), abs=1e-4)


def test_updates_are_counted_as_the_trainer_counts_them() -> None:
    recipe = RECIPE.model_copy(update={"accumulate": 2, "epochs": 1.5})
    assert recipe.updates(5) == 5, "3 updates an epoch, the last of one batch; 4.5 are 5"
    assert recipe.updates(5, devices=2) == 3, "3 batches on each device, 2 updates"
    assert recipe.model_copy(update={"steps": 7}).updates(5) == 7


def test_the_memory_formula() -> None:
    config = {"hidden_size": 10, "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 1,
              "intermediate_size": 20}  # fmt: skip
    counted = Parameters(every=1000, trained=1000, linear=800)
    full = Recipe(adapter="full", batch_size=2)
    layer = 6.5 * 10 + 2 * 10 + 2 * 5 + 4 * 20
    assert memory(counted, config, full, 7, bf16=False) == Memory(
        weights=4000, gradients=4000, optimizer=8000, activations=round(14 * 4 * layer * 4)
    )
    assert memory(counted, config, full, 7, bf16=True).activations == round(14 * 4 * layer * 2)
    checkpointed = full.model_copy(update={"gradient_checkpointing": True})
    assert memory(counted, config, checkpointed, 7, bf16=False).activations == round(14 * (3 * 10 + 2 * layer) * 4)
    four_bits = Recipe(adapter="qlora", batch_size=2)
    small = Parameters(every=1100, trained=100, linear=800)
    assert memory(small, config, four_bits, 7, bf16=True).weights == int(0.52 * 800 + 2 * 200 + 4 * 100)


def test_a_trial_does_not_read_the_rows_again(tmp_path: Path) -> None:
    asked = job(tmp_path)
    trial = asked.trial(tmp_path / "t", 3)
    assert trial.prepared is asked.prepared
    assert trial.validation == []
    assert (trial.recipe.steps, trial.recipe.save_every, trial.out) == (3, 3, tmp_path / "t")
    assert (asked.recipe.steps, asked.out) == (None, tmp_path / "s")


@pytest.mark.slow
@pytest.mark.xdist_group("lab_model")
def test_a_plan_that_measures_leaves_nothing_behind(tmp_path: Path) -> None:
    asked = job(tmp_path)
    before = deepcopy(asked.prepared)
    found = plan(asked, measure=True)
    assert asked.prepared == before, "the rows of the training are those that were measured, as they were"
    assert found.tokens_per_second is not None
    assert found.seconds == pytest.approx(found.tokens.total * 3 / found.tokens_per_second, rel=0.01, abs=0.06)
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]
