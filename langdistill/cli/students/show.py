"""`langdistill students show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langdistill.cli.options import Format, FormatOption, print_json, visible

if TYPE_CHECKING:
    from langdistill.students.card import Stage, Student


def show(
    student: Annotated[Path, typer.Argument(help="A version, or a folder whose latest is meant.", show_default=False)],
    format: FormatOption = Format.text,
) -> None:
    """Show one version: what it was trained from, on what and how, and what was measured."""
    from langdistill.students.card import read_student

    card = read_student(student)
    if format is Format.json:
        print_json({"folder": str(card.folder), "served_name": card.served_name, **card.model_dump()})
        return
    for name, value in facts_of(card):
        typer.echo(f"{name:<13} {visible(value)}".rstrip())


def facts_of(card: Student) -> list[tuple[str, str]]:
    """A card as names and texts."""
    facts = [
        ("student", card.served_name),
        ("folder", str(card.folder)),
        ("base", f"{card.base} ({card.base_digest[:12]})"),
        ("holds", card.holds),
        ("gives", ", ".join([card.head, *card.labels])),
        ("weights", card.weights),
        ("made", card.made),
    ]
    facts += [(f"training {number}", _training(stage)) for number, stage in enumerate(card.stages, 1)]
    facts.append(("versions", ", ".join(f"{package} {version}" for package, version in card.versions.items())))
    facts += [(what, json.dumps(found, default=str)) for what, found in card.measurements.items()]
    return facts


def _training(stage: Stage) -> str:
    settings = {**stage.params, **stage.recipe.model_dump(exclude_defaults=True)}
    told = "".join(f", {name} {value}" for name, value in settings.items())
    return (
        f"{stage.objective}: {stage.rows:,} rows of data set {stage.dataset_hash[:12]}, {stage.steps:,} steps, "
        f"seed {stage.seed}{told}"
    )
