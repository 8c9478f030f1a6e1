"""One format a batch, batches in random order (Fu et al., 2301.12726)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.renderings.four_formats import STYLES
from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.train.objectives.one_format import SPECIALISATION_SIZES, one_format
from langdistill.students.train.trainers.batches import Batches
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of
from tests.trained import FEW, losses_of, row, trainer_of, write

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

ROWS = [row(f"{style} {at}?", f"{style[0]} {at}", style=style) for style in ("cot", "answer") for at in range(5)]
STYLED = tuple(one["style"] for one in ROWS)


def test_every_row_is_in_one_batch_and_a_batch_is_of_one_style() -> None:
    batches = Batches(STYLED, {"answer": 2, "cot": 4}, seed=3)
    for epoch in range(4):
        found = batches.at(epoch)
        assert sorted(at for batch in found for at in batch) == list(range(10))
        assert all(len({STYLED[at] for at in batch}) == 1 for batch in found)
        assert Counter((STYLED[batch[0]], len(batch)) for batch in found) == {
            ("answer", 2): 2,
            ("answer", 1): 1,
            ("cot", 4): 1,
            ("cot", 1): 1,
        }
        assert len(found) == len(batches)
    assert batches.at(1) == Batches(STYLED, {"answer": 2, "cot": 4}, seed=3).at(1)
    drawn = [batches.at(0), batches.at(1), Batches(STYLED, batches.sizes, seed=4).at(0)]
    assert all(drawn.count(one) == 1 for one in drawn)
    orders = {tuple(STYLED[batch[0]] for batch in batches.at(epoch)) for epoch in range(10)}
    assert len(orders) > 3, "batches of the styles come in random order"


@pytest.mark.parametrize("processes", [2, 3])
def test_accelerate_deals_whole_batches_to_the_processes(processes: int) -> None:
    """What `accelerate launch` does with the batches: as many to each process, all of them dealt, none cut."""
    from accelerate.data_loader import BatchSamplerShard

    batches = Batches(STYLED, {"answer": 2, "cot": 4}, seed=0)
    shards: Any = [BatchSamplerShard(batches.of(lambda: 0), processes, at) for at in range(processes)]  # type: ignore[arg-type]
    dealt = [list(shard) for shard in shards]
    assert {len(one) for one in dealt} == {len(shards[0])}
    turns = [batch for turn in zip(*dealt, strict=True) for batch in turn]
    assert turns[: len(batches)] == batches.at(0)
    assert turns[len(batches) :] == batches.at(0)[: len(turns) - len(batches)], "the last turn is filled with the first"


def test_what_the_trainer_is_given(tmp_path: Path) -> None:
    recipe = FEW.model_copy(update={"steps": None, "epochs": 2, "batch_size": 4})
    trainer = trainer_of(tmp_path, ROWS, objective=one_format(batch_sizes={"answer": 2}), recipe=recipe)
    of = {tuple(one["input_ids"]): at for at, one in enumerate(trainer.train_dataset)}
    given: list[list[list[int]]] = [[]]
    plain = trainer.data_collator

    def seen(rows: Any) -> Any:
        given[-1].append([of[tuple(one["input_ids"])] for one in rows])
        if len(given[-1]) == 5:
            given.append([])
        return plain(rows)

    trainer.data_collator = seen
    trainer.train()
    expected = Batches(STYLED, {"answer": 2, "cot": 4}, seed=0)
    assert given == [expected.at(0), expected.at(1), []]
    assert trainer.state.global_step == 10


def test_the_loss_of_an_update_of_two_batches(tmp_path: Path) -> None:
    recipe = FEW.model_copy(update={"steps": 1, "batch_size": 4, "accumulate": 2})
    trainer = trainer_of(tmp_path, ROWS, objective="one_format", recipe=recipe)
    losses = losses_of(ROWS)
    first = [at for batch in Batches(STYLED, {"answer": 4, "cot": 4}, seed=0).at(0)[:2] for at in batch]
    trainer.train()
    told = sum(sum(losses[at]) for at in first) / sum(len(losses[at]) for at in first)
    assert trainer.state.log_history[0]["loss"] == pytest.approx(told, rel=2e-6)


KILLED = """
import os, signal, sys
from langdistill.lab import WEIGHTS
from langdistill.students.train.objectives.one_format import one_format
from langdistill.students.train.training import train
from tests.trained import FEW

def tell(now):
    if now.step == 7:
        os.kill(os.getpid(), signal.SIGKILL)

recipe = FEW.model_copy(update={"steps": 8, "batch_size": 2, "save_every": 3, "dropout": 0.1})
objective = one_format(batch_sizes={"cot": 4})
train(sys.argv[1] + "/data", WEIGHTS, sys.argv[1] + "/s", objective=objective, recipe=recipe, on_progress=tell)
"""


def test_a_killed_run_goes_on_with_the_batches_that_are_left(tmp_path: Path) -> None:
    """It has five batches a pass and is resumed in the second."""
    data = write(tmp_path / "data", ROWS)
    left = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=os.environ, check=False)
    assert left.returncode == -signal.SIGKILL
    assert not versions_of(tmp_path / "s")
    recipe = FEW.model_copy(update={"steps": 8, "batch_size": 2, "save_every": 3, "dropout": 0.1})
    objective = one_format(batch_sizes={"cot": 4})
    told: list[int] = []
    resumed = train(
        data, WEIGHTS, tmp_path / "s", objective=objective, recipe=recipe, on_progress=lambda now: told.append(now.step)
    )
    assert told == [7, 8]
    assert resumed.weights == train(data, WEIGHTS, tmp_path / "whole", objective=objective, recipe=recipe).weights
    assert resumed.last.objective == "one_format"
    assert resumed.last.params == {"batch_sizes": {"cot": 4}}


def test_the_sizes_of_the_paper_are_of_the_four_formats() -> None:
    assert set(SPECIALISATION_SIZES) == set(STYLES)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda p: trainer_of(p, [*ROWS, row("x", "y")], objective="one_format"), DatasetError, "1 have no style"),
        (
            lambda p: trainer_of(p, ROWS, objective=one_format(batch_sizes={"rationale": 2})),
            DatasetError,
            "for the style 'rationale', and no row is of it: there are answer, cot",
        ),
        (
            lambda p: trainer_of(p, ROWS, objective="one_format", recipe=FEW.model_copy(update={"packing": True})),
            StudentError,
            "several formats into one sequence",
        ),
        (lambda p: one_format(batch_sizes={"cot": 0}), StudentError, "to have 0 rows"),
    ],
)
def test_what_cannot_be_mixed_is_told(
    make: Callable[[Path], Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        make(tmp_path)
