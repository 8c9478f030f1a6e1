"""Students are versioned folders: `students/concierge` holds `v1`, `v2` and so on, and none is ever written over."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from langdistill.errors import StudentError

CARD = "student.json"
VERSION = re.compile(r"v([1-9]\d*)")


def versions_of(place: str | Path) -> list[Path]:
    """The versions in a place, oldest first."""
    found = [(int(named[1]), path) for path in _folders(Path(place)) if (named := VERSION.fullmatch(path.name))]
    return [path for _, path in sorted(found) if (path / CARD).is_file()]


def next_version(place: str | Path) -> Path:
    """The folder of the version that comes after all that are there.

    Raises:
        StudentError: the place is something else.
    """
    folder = Path(place)
    if (folder / CARD).is_file():
        raise StudentError(
            f"{str(folder)!r} is one version of a student. Give the folder that its versions are in, {str(folder.parent)!r}."
        )
    if folder.exists() and not folder.is_dir():
        raise StudentError(f"{str(folder)!r} is a file. Give a folder for the versions of the student.")
    taken = [int(named[1]) for path in _folders(folder) if (named := VERSION.fullmatch(path.name))]
    return folder / f"v{max(taken, default=0) + 1}"


@contextmanager
def claimed_version(place: str | Path) -> Generator[Path]:
    """The folder of the next version, made so that no other process takes its number; an error leaves none.

    Raises:
        StudentError: the place is something else.
    """
    while True:
        folder = next_version(place)
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
    try:
        yield folder
    except BaseException:
        with suppress(OSError):
            folder.rmdir()
        raise


def version_at(path: str | Path) -> Path:
    """The folder of a version: the one that was given, or the latest in that place.

    Raises:
        StudentError: there is no student.
    """
    folder = Path(path)
    if (folder / CARD).is_file():
        return folder
    if found := versions_of(folder):
        return found[-1]
    raise StudentError(f"There is no student in {str(folder)!r}. Train one with `langdistill train`.")


def versions_below(root: str | Path) -> Iterator[Path]:
    """Every version of every student in a folder and those inside it, by name and oldest first."""
    if found := versions_of(root):
        yield from found
        return
    for folder in sorted(_folders(Path(root))):
        if not folder.name.startswith("."):
            yield from versions_below(folder)


def _folders(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
