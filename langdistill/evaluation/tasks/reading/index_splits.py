"""The sets of Reasoning Teachers (Ho et al., 2212.10071): one file a set, and beside it which rows are train and which are test."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from langdistill.answers import Extract
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row, rows_in
from langdistill.evaluation.tasks.reading.sources import Source
from langdistill.evaluation.tasks.taskset import TaskSet

REPOSITORY = "https://github.com/itsnamgyu/reasoning-teacher"
FOLDERS = ("dataset", "data/dataset")
"""Where the repository keeps the sets, by its age."""


def source_of(title: str, name: str, *, answer: str, rows: str) -> Source:
    """What such a set is, in words."""
    return Source(
        title=title,
        file=f"dataset/{name}.json with data/split/{name}__default.json beside its folder, or the folder of both",
        shape='an array of {"question", "answer"}, and {"train": [row], "test": [row]}',
        rows=rows,
        answer=answer,
        licence="MIT",
        origin=f"{REPOSITORY}, dataset and data/split",
    )


def is_indexed(path: str | Path, name: str) -> bool:
    """Whether a path is such a file or holds it; by the names as they are, for SVAMP.json is none, whatever a disk takes for the same."""
    path = Path(path)
    if not path.is_dir():
        return path.name == f"{name}.json"
    folders = [path, *(path / folder for folder in FOLDERS)]
    return any(file.name == f"{name}.json" for folder in folders if folder.is_dir() for file in folder.iterdir())


def places(name: str) -> list[str]:
    """Where below a folder the file may be."""
    return [f"{name}.json", *(f"{folder}/{name}.json" for folder in FOLDERS)]


def task_of_split(
    name: str,
    path: str | Path,
    source: Source,
    *,
    split: str,
    split_file: str | Path | None,
    extract: Extract,
    limit: int | None,
    seed: int | None,
    file: str | None = None,
) -> TaskSet:
    """The task that one side of such a set makes.

    Args:
        name: of the task.
        path: as of `rows_of_split`, and so are `source`, `split` and `split_file`.
        source: what it is, for errors.
        split: "test" or "train".
        split_file: which rows are which.
        extract: as of `task_of`, and so are `limit` and `seed`.
        limit: how many rows are taken.
        seed: which.
        file: name of the set in the repository; `None`: that of the task.

    Raises:
        DatasetError: as `rows_of_split` and `task_of`.
    """
    rows = rows_of_split(path, source, file or name, split, split_file)
    return task_of(name, rows, partial(question_and_answer, name), extract=extract, limit=limit, seed=seed)


def rows_of_split(path: str | Path, source: Source, name: str, split: str, split_file: str | Path | None) -> list[Row]:
    """The rows of one side.

    Args:
        path: the file of the set, or a folder that holds it.
        source: what it is, for errors.
        name: of the set in the repository: "coin_flip".
        split: "test" or "train".
        split_file: which rows are which; `None` for the repository's ``data/split/{name}__default.json``.

    Raises:
        DatasetError: a file is missing or of another shape, or the two do not belong together.
    """
    source.check_split(split, "test", "train")
    file = source.file_at(path, *places(name))
    rows, sides = rows_in(file, source), _sides(_split_file(file, source, name, split_file), source)
    if sorted(sides["train"] + sides["test"]) != list(range(len(rows))):
        raise source.refused(
            f"The split has {len(sides['train'])} train and {len(sides['test'])} test rows, and {str(file)!r} {len(rows)}: "
            "it must name each row once."
        )
    return [rows[at] for at in sides[split]]


def refuse_split_file(source: Source, split_file: str | Path | None) -> None:
    """For files that are one split themselves: to leave it aside in silence would test on train rows.

    Raises:
        DatasetError: one is given.
    """
    if split_file is not None:
        raise source.refused(
            f"split_file={str(split_file)!r} tells of rows of Reasoning Teachers' file, and another file was given."
        )


def question_and_answer(task: str, row: Row) -> Item:
    """A row of such a set."""
    return Item(f"{task}-{row.index}", row.text("question").strip(), row.text("answer"))


def _split_file(file: Path, source: Source, name: str, given: str | Path | None) -> Path:
    if given is not None:
        return source.file_at(given)
    places = [file.parent / "split", *(folder / "split" for folder in _above(file.parent))]
    for folder in places:
        if (found := folder / f"{name}__default.json").is_file():
            return found
    raise source.refused(
        f"There is no {name}__default.json beside {str(file)!r}, so nobody knows which rows are test. Say split_file=."
    )


def _above(folder: Path) -> Sequence[Path]:
    above = folder.resolve().parent
    return above, above / "data"


def _sides(file: Path, source: Source) -> dict[str, list[int]]:
    try:
        told: Any = orjson.loads(file.read_bytes())
        sides = {side: sorted(told[side]) for side in ("train", "test")}
        if not all(type(at) is int for side in sides.values() for at in side):
            raise TypeError
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise source.refused(f"{str(file)!r} names no rows of train and test.") from error
    return sides
