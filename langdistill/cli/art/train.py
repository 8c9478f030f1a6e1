"""`langdistill art train`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langdistill.cli.art.data import ASKER, TRUSTER
from langdistill.cli.options import Format, FormatOption, model_folder
from langdistill.cli.train.printed import print_student
from langdistill.cli.train.progress import shown

if TYPE_CHECKING:
    from langdistill.students.train.recipe import Recipe


class Part(StrEnum):
    """What is trained."""

    asker = ASKER
    truster = TRUSTER


OBJECTIVES = {Part.asker: "sft", Part.truster: "pairwise_ranker"}


def train(
    data: Annotated[Path, typer.Argument(help="Folder that `langdistill art data` wrote.", show_default=False)],
    base: Annotated[str, typer.Option(help="The base model: its folder, its name on the hub, or lab; or a student.")],
    out: Annotated[Path, typer.Option(help="Folder of the students: the asker's versions and the truster's.")],
    only: Annotated[Part | None, typer.Option(help="Train one of them.", show_default=False)] = None,
    recipe: Annotated[
        str | None, typer.Option(help="ordinary, miniature, or one of a paper; miniature by default for the lab model.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Updates, instead of epochs.", min=1)] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Most tokens of a row; longer ones are refused.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the adapters' start and the order of rows.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Train the asker, by sft, and the truster, by pairwise_ranker. For any other setting use `langdistill train` on either folder."""
    from langdistill.students.train.training import train as learn

    chosen = _recipe(recipe or ("miniature" if base == "lab" else "ordinary"), steps, max_length)
    for part in [only] if only else list(Part):
        folder = data / part.value
        _check(part, folder)
        with shown(quiet=quiet) as tell:
            student = learn(
                folder, model_folder(base), out / part.value, objective=OBJECTIVES[part], recipe=chosen, seed=seed,
                on_progress=tell,
            )  # fmt: skip
        print_student(student, format)


def _recipe(name: str, steps: int | None, max_length: int | None) -> Recipe:
    from langdistill.students.train.recipe_file import RecipeFile

    return RecipeFile().recipe_like(name, name, {"steps": steps, "max_length": max_length})


def _check(part: Part, folder: Path) -> None:
    """Refuse decisions that are all the same: an asker would learn to say that one.

    Raises:
        DatasetError: they are, or there is no data set.
    """
    from langdistill.datasets.reading import read_dataset
    from langdistill.errors import DatasetError

    counts = read_dataset(folder).manifest.get("classes", {}).get("train", {})
    if part is Part.asker and len(counts) < 2:
        raise DatasetError(
            f"The decisions in {str(folder)!r} are all alike ({counts}): an asker would learn to say that one. Sample more problems, "
            "harder ones or at a higher temperature, and make the data again."
        )
