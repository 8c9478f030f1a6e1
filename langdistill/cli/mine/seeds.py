"""The instructions that `langdistill mine` starts from: a file of them, or recorded runs in which a student did badly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from langdistill.datasets.weak_spots import WeakSpots


def seeds_in(path: Path) -> list[Any]:
    """The instructions of a file: JSON lines or a JSON list, of texts or of objects with `instruction`; or a text's lines.

    Of an object without `input` the first of its `instances` gives one, as in self-instruct's files.

    Raises:
        BadParameter: the file cannot be read.
    """
    import json

    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{str(path)!r} cannot be read: {error}.") from error
    try:
        if text.startswith("["):
            return [_seed(one) for one in json.loads(text)]
        if path.suffix in (".jsonl", ".json"):
            return [_seed(json.loads(line)) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise typer.BadParameter(
            f"{str(path)!r} is no JSON: {error}. Give JSON lines, a JSON list, or a text file with an instruction a line."
        ) from error
    return [line for line in text.splitlines() if line.strip()]


def _seed(one: Any) -> Any:
    instances = one.get("instances") if isinstance(one, dict) else None
    if instances and "input" not in one:
        return {"instruction": one.get("instruction"), "input": instances[0].get("input") or ""}
    return one


def weak_spots_in(store: str, student: str | None, teacher: str | None) -> WeakSpots:
    """What a store tells of a student's failures.

    Raises:
        BadParameter: it tells of none.
    """
    from langdistill.datasets.weak_spots import weak_spots

    found = weak_spots(store, student=student, teacher=teacher)
    if not found.spots:
        raise typer.BadParameter(
            f"{store!r} shows no weak spot in {found.problems} problems ({found.passed_over} only inside conversations): no bad "
            "feedback, no escalation, and no other answer than the teacher's. Give --student-name and --teacher-name as the runs "
            "have them, or a file of instructions."
        )
    return found
