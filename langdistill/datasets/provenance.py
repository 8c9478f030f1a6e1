"""What was made of traces: the data sets that hold rows of them, and the students that learnt from those."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from langdistill.datasets.reading import MANIFEST, SOURCES, sources_in
from langdistill.stores.protocol import Derived
from langdistill.students.versioned import CARD

PASSED_OVER = {"node_modules", "site-packages", "__pycache__"}
"""Folders that hold no work of the user's; hidden ones are passed over, too."""
NEAR = 2
"""How many folders deep is looked from the folder above that of a noted data set: students are beside it (runs/data,
runs/student) or in a folder beside that of the data sets (runs/data/a, runs/students/a)."""


@dataclass(frozen=True)
class Made:
    """A data set or a student that traces went into."""

    kind: Literal["data set", "student"]
    path: str
    hash: str
    """Of the data set's rows; of a student, those it learnt from."""
    affected: int | None
    """Rows, kept or rejected, that the traces went into; `None` where the data set does not tell what it was made of."""
    there: bool = True
    """Whether it is still at its path; one that is not may have been moved or copied."""


def made_from(ids: Collection[str], noted: Iterable[Derived], folders: Iterable[Path]) -> list[Made]:
    """The data sets and students that were made of these traces.

    Args:
        ids: of the traces.
        noted: the data sets that the store knows of.
        folders: where to look for others, and for students; those around the noted data sets are looked at in any case.

    Returns:
        Data sets first, each kind by path. A data set that an older release wrote does not tell its traces: it is in the
        list, with `affected` as `None`, where the store does not know of it either.
    """
    known = list(noted)
    places = [*((folder, None) for folder in folders), *((Path(one.path).parent.parent, NEAR) for one in known)]
    found = {path for folder, depth in places for path in _marked(folder, depth)}
    datasets = [
        Made("data set", one.path, one.hash, _affected(ids, one.rows), _hash_of(Path(one.path)) == one.hash)
        for one in known
    ]
    there = {one.path for one in datasets if one.there}
    others = (_dataset(path.parent, ids) for path in found if path.name == MANIFEST and str(path.parent) not in there)
    affected = [one for one in (*datasets, *others) if one and one.affected != 0]
    students = _students(sorted(path for path in found if path.name == CARD), affected)
    return [*sorted(affected, key=lambda one: (one.path, one.hash)), *students]


def _hash_of(folder: Path) -> str | None:
    """Of the data set in a folder; `None` where there is none."""
    hashed = _json_of(folder / MANIFEST).get("hash")
    return hashed if isinstance(hashed, str) else None


def _dataset(folder: Path, ids: Collection[str]) -> Made | None:
    hashed = _hash_of(folder)
    if hashed is None:
        return None  # somebody else's manifest
    rows = [source["traces"] for source in sources_in(folder)] if (folder / SOURCES).is_file() else None
    return Made("data set", str(folder), hashed, None if rows is None else _affected(ids, rows))


def _students(cards: Iterable[Path], datasets: Iterable[Made]) -> list[Made]:
    parents: dict[str, int | None] = {}
    for one in datasets:
        if one.hash not in parents or parents[one.hash] is None:
            parents[one.hash] = one.affected
    return [
        Made("student", str(card.parent), hashed, parents[hashed])
        for card in cards
        for hashed in _learnt_from(_json_of(card))
        if hashed in parents
    ]


def _learnt_from(card: dict[str, Any]) -> list[str]:
    """Hashes of the data sets of a student's stages; of the only one, on a card of an older release."""
    stages = [stage.get("dataset_hash") for stage in card.get("stages", ())] or [card.get("dataset_hash")]
    return list(dict.fromkeys(hashed for hashed in stages if hashed))


def _affected(ids: Collection[str], rows: Iterable[Iterable[str]]) -> int:
    return sum(any(one in ids for one in row) for row in rows)


def _json_of(path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _marked(folder: Path, depth: int | None) -> Iterator[Path]:
    """The manifests and the students' cards in a folder, so many folders deep or all the way down."""
    top = len(folder.absolute().parts)
    for here, inside, files in os.walk(folder.absolute()):
        level = len(Path(here).parts) - top
        inside[:] = [
            name
            for name in inside
            if not name.startswith(".") and name not in PASSED_OVER and (depth is None or level < depth)
        ]
        yield from (Path(here) / name for name in (MANIFEST, CARD) if name in files)
