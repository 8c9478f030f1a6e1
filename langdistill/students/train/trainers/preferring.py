"""What TRL's trainers of preferences need besides their losses: rows that are tokens already, and students without a second adapter."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from langdistill.errors import StudentError
from langdistill.students.train.recipe import Recipe

REFERENCE = "ref"
"""The adapter that TRL keeps beside the one it trains where that one was trained before."""


def of_tokens(trainer: Any) -> Any:
    """TRL's trainer of that class, for rows that are tokens already.

    It tokenizes by itself otherwise, and reads messages after `datasets` has filled up what they lack: a mask that was checked would
    not be the one trained on. The reference is the model as the training found it: the base, or with an earlier stage's adapter on,
    of which TRL keeps a frozen copy. The copy is no part of the student, nor of a checkpoint: it is made anew from that stage.
    """

    class OfTokens(trainer):  # type: ignore[misc, valid-type]
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
            super().save_model(output_dir, _internal_call)
            shutil.rmtree(Path(output_dir or self.args.output_dir) / REFERENCE, ignore_errors=True)

    return OfTokens


def refuse_packing(recipe: Recipe, name: str) -> None:
    """Packing is of texts that are trained on alone.

    Raises:
        StudentError: the recipe asks for it.
    """
    if recipe.packing:
        raise StudentError(f"{name} cannot pack rows: it weighs each by itself. Train with packing=False.")
