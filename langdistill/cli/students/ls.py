"""`langdistill students ls`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from langdistill.cli.options import Format, FormatOption, print_json, visible, wide_console

if TYPE_CHECKING:
    from langdistill.students.card import Student

COLUMNS = ("student", "served", "base", "objective", "data set", "rows", "measurements", "made")


def ls(
    root: Annotated[Path, typer.Argument(help="A folder with students in it, or below it.")] = Path("students"),
    format: FormatOption = Format.text,
) -> None:
    """List the versions of the students in a folder, a row each, oldest first."""
    from langdistill.errors import StudentError
    from langdistill.students.card import read_student
    from langdistill.students.versioned import versions_below

    found: list[Student] = []
    for folder in versions_below(root):
        try:
            found.append(read_student(folder))
        except StudentError as error:
            typer.echo(f"langdistill: {error}", err=True)  # the others are listed all the same
    if format is Format.json:
        print_json([{"folder": str(one.folder), **one.model_dump()} for one in found])
        return
    console = wide_console()
    console.print(table_of(found))
    console.print(f"{len(found)} students in {root}", highlight=False)


def table_of(students: list[Student]) -> Table:
    """The versions as a table."""
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for one in students:
        table.add_row(*(Text(visible(cell)) for cell in cells_of(one)))
    return table


def cells_of(student: Student) -> list[str]:
    """A version as texts."""
    from langdistill.students.serving.kept import kept_versions, was_served

    place = student.folder.parent
    current = was_served(place) and kept_versions(place)[-1].name == student.served_name
    return [
        student.served_name,
        "current" if current else "",
        student.base,
        " > ".join(stage.objective for stage in student.stages),
        student.dataset_hash[:12],
        f"{student.last.rows:,}",
        measured(student.measurements),
        student.made,
    ]


def measured(measurements: dict[str, Any]) -> str:
    """The numbers of all measurements, on one line."""
    told: list[str] = []
    for what, found in measurements.items():
        numbers = found.items() if isinstance(found, dict) else [("", found)]
        told += [
            f"{what} {name} {value:.4g}".replace("  ", " ")
            for name, value in numbers
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
    return ", ".join(told)
