"""`langdistill dataset diff`."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langdistill.cli.options import Format, FormatOption, print_json, visible

if TYPE_CHECKING:
    from langdistill.datasets.comparing import Counted, Difference

KINDS = ("removed", "added", "changed", "moved")


def diff(
    one: Annotated[Path, typer.Argument(help="Folder of a data set.", show_default=False)],
    other: Annotated[Path, typer.Argument(help="Folder of the one to compare with it.", show_default=False)],
    ids: Annotated[int, typer.Option(min=0, help="Problems of each kind that are named.")] = 10,
    format: FormatOption = Format.text,
) -> None:
    """Compare two data sets: the first stage that differs, and the problems that came, went, changed or moved between splits.

    Leaves with 0 where they are the same, and with 1 where they differ.
    """
    from langdistill.datasets.comparing import compare

    found = compare(one, other, ids=ids)
    if format is Format.json:
        print_json(found.told())
    else:
        for line in lines_of(found):
            typer.echo(line)
    raise typer.Exit(0 if found.same else 1)


def lines_of(found: Difference) -> list[str]:
    """The comparison as text."""
    if found.stage is None:
        return [f"The same: {found.one.hash[:12]}, {_rows(found.one.manifest)}."]
    told = [f"{dataset.hash[:12]} {dataset.path}: {_rows(dataset.manifest)}" for dataset in (found.one, found.other)]
    told += [_stage(found), *_funnels(found)]
    if found.one.hash == found.other.hash:
        return [*told, "The rows are the same."]
    return [*told, *(line for name in KINDS for line in _problems(name, getattr(found, name)))]


def _rows(manifest: dict[str, Any]) -> str:
    return ", ".join(f"{count} rows in {split}" for split, count in manifest["rows"].items())


def _stage(found: Difference) -> str:
    assert found.stage is not None
    left, right = found.stage.stages
    named = repr(left) if left == right else f"{left or 'nothing'!r} and {right or 'nothing'!r}"
    settings = ", ".join(f"{name} {before!r} -> {after!r}" for name, (before, after) in found.stage.settings.items())
    return f"The first stage that differs is {named}: {settings or 'the same settings, other traces'}."


def _funnels(found: Difference) -> list[str]:
    """Kept and dropped per stage, side by side."""
    pairs = list(zip_longest(found.one.funnel, found.other.funnel))
    width = max(len(stage["stage"]) for pair in pairs for stage in pair if stage)
    told: list[str] = []
    for before, after in pairs:
        names = [stage["stage"] if stage else "-" for stage in (before, after)]
        told.append(f"  {names[0]:{width}} {_level(before):40} {names[1]:{width}} {_level(after)}".rstrip())
    return told


def _level(stage: dict[str, Any] | None) -> str:
    if stage is None:
        return ""
    reasons = ", ".join(f"{reason}: {count}" for reason, count in stage["reasons"].items())
    return f"kept {stage['kept']}, dropped {stage['dropped']}{f' ({reasons})' if reasons else ''}"


def _problems(name: str, counted: Counted) -> list[str]:
    if not counted.count:
        return []
    reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(counted.reasons.items()))
    by = {"removed": " (rejected there: {})", "added": " (rejected before: {})"}.get(name, " ({})").format(reasons)
    named = ", ".join(visible(problem) for problem in counted.ids)
    more = ", ..." if counted.count > len(counted.ids) else ""
    told = f"{counted.count} problems {name}{by if reasons else ''}"
    return [f"{told}: {named}{more}" if named else told]
