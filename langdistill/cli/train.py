"""`langdistill train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    dataset: Annotated[Path, typer.Argument(help="Folder that `langdistill harvest` wrote.")],
    base: Annotated[Path, typer.Option(help="Folder of the base model, or lab for the embedded one.")],
    out: Annotated[
        Path, typer.Option(help="Folder of the student's versions; the new one comes after those that are there.")
    ],
    recipe: Annotated[
        str | None, typer.Option(help="ordinary, miniature or pilot; miniature by default for the embedded model.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Times each row is seen.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the cosine.")] = None,
    seed: Annotated[int, typer.Option(help="Of the adapter and the order of rows.")] = 0,
) -> None:
    """Train a LoRA student on a data set, with the loss on the answers only."""
    from langdistill.errors import UnknownName
    from langdistill.lab import WEIGHTS
    from langdistill.students.train.recipe import RECIPES
    from langdistill.students.train.training import train as run

    embedded = str(base) == "lab"
    name = recipe or ("miniature" if embedded else "ordinary")
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    given = {"epochs": epochs, "learning_rate": learning_rate}
    changes = {key: value for key, value in given.items() if value is not None} | ({"steps": None} if epochs else {})
    chosen = RECIPES[name].model_copy(update=changes)
    student = run(dataset, WEIGHTS if embedded else base, out, recipe=chosen, seed=seed)
    typer.echo(f"Student in {student.folder}: base {student.base}, data set {student.dataset_hash[:12]}")
