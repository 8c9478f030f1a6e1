"""Which version of a student is served and what it replaced, kept beside the versions for the next start of a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from langdistill.errors import StudentError
from langdistill.folders import write_whole
from langdistill.students.card import read_student
from langdistill.students.versioned import CARD, VERSION, version_at

KEPT = "served.json"
"""File beside the versions: their folders' names, oldest first, the last is current."""


@dataclass(frozen=True)
class Version:
    """One version of a student, as a server knows it."""

    name: str
    """Under which it is loaded."""
    folder: str


def keep_versions(versions: list[Version]) -> None:
    """Write down what is served, in the folder that the last version is in; the file is there whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    if not versions:
        return
    current = Path(versions[-1].folder)
    if VERSION.fullmatch(current.name):  # a version that was moved elsewhere has no folder of its own around it
        names = [path.name for one in versions if (path := Path(one.folder)).parent == current.parent]
        write_whole(current.parent / KEPT, orjson.dumps({"versions": names}).decode())


def was_served(place: Path) -> bool:
    """Whether a version in a place was served by its student's name."""
    return (place / KEPT).is_file()


def kept_versions(path: str | Path) -> list[Version]:
    """What to serve of a student, oldest first, the last is current.

    A version's folder means that version. The folder of the versions means the one that was served last, whatever has been
    trained since, and where none was ever served, the latest: a server that comes up again serves what it did.

    Raises:
        StudentError: there is no student.
    """
    place = Path(path).resolve()
    if (place / CARD).is_file():
        before = [name for name in _kept(place.parent) if place.name != name]
        folders = [place.parent / name for name in before] + [place]
    else:
        folders = [place / name for name in _kept(place)] or [version_at(place)]
    return [Version(read_student(folder).served_name, str(folder)) for folder in folders]


def _kept(place: Path) -> list[str]:
    try:
        names: list[str] = orjson.loads((place / KEPT).read_bytes())["versions"]
        return [name for name in names if (place / name / CARD).is_file()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudentError(
            f"{str(place / KEPT)!r} cannot be read: {error}. Remove it, and the latest version is served."
        ) from error
