"""`langdistill train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    dataset: Annotated[Path, typer.Argument(help="Folder that `langdistill harvest` wrote.")],
    base: Annotated[Path, typer.Option(help="Folder of the base model.")],
    out: Annotated[Path, typer.Option(help="Folder of the student.")],
    epochs: Annotated[float | None, typer.Option(help="Times each row is seen.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the cosine.")] = None,
    seed: Annotated[int, typer.Option(help="Of the adapter and the order of rows.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder where it exists.")] = False,
) -> None:
    """Train a LoRA student on a data set, with the loss on the answers only."""
    from langdistill.students.train.recipe import ORDINARY
    from langdistill.students.train.sft import sft

    changes = {"epochs": epochs, "learning_rate": learning_rate}
    recipe = ORDINARY.model_copy(update={key: value for key, value in changes.items() if value is not None})
    student = sft(dataset, base, out, recipe=recipe, seed=seed, overwrite=overwrite)
    typer.echo(f"Student in {out}: base {student.base}, data set {student.dataset_hash[:12]}")
