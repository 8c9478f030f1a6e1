"""Rows of a JSON array, or of JSON lines, each knowing where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from langdistill.errors import DatasetError
from langdistill.evaluation.tasks.reading.sources import Source

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Row:
    """One row of a file."""

    file: Path
    index: int
    """From 0; errors count from 1."""
    values: dict[str, Any]
    source: Source

    @property
    def place(self) -> str:
        """Where it stands, for errors."""
        return f"{str(self.file)!r}, row {self.index + 1}"

    def text(self, *path: str) -> str:
        """A field that holds text or a number, below others where several names are given.

        Raises:
            DatasetError: it is missing, empty or something else.
        """
        value = self.value(*path)
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
            raise self.refused(f"{'.'.join(path)} is {_told(value)}, where text or a number was expected")
        return str(value)

    def value(self, *path: str) -> Any:
        """A field, below others where several names are given.

        Raises:
            DatasetError: it is missing.
        """
        value: Any = self.values
        for at, name in enumerate(path, 1):
            if not isinstance(value, dict) or name not in value:
                raise self.refused(f"has no {'.'.join(path[:at])!r}; it holds {', '.join(self.values) or 'nothing'}")
            value = cast("dict[str, Any]", value)[name]
        return value

    def refused(self, why: str) -> DatasetError:
        """The error that tells where the row stands and what is wrong with it."""
        return self.source.refused(f"{self.place}: {why}.")


def rows_in(file: Path, source: Source, *, inside: str | None = None) -> list[Row]:
    """The rows of a file.

    Args:
        file: a JSON array, or JSON lines.
        source: what it is, for errors.
        inside: where the file is one object, the field that holds the rows.

    Raises:
        DatasetError: it cannot be read, is something else, or is empty.
    """
    try:
        data = file.read_bytes().removeprefix(BYTE_ORDER_MARK)
    except OSError as error:
        raise source.refused(f"{str(file)!r} cannot be read: {error}.") from error
    rows = [
        Row(file, index, _object(value, file, index, source), source)
        for index, value in enumerate(_values(data, file, source, inside))
    ]
    if not rows:
        raise source.refused(f"{str(file)!r} holds no rows.")
    return rows


def _values(data: bytes, file: Path, source: Source, inside: str | None) -> Iterator[Any]:
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        yield from _lines(data, file, source)
        return
    if inside:
        whole = whole.get(inside) if isinstance(whole, dict) else None
        if not isinstance(whole, list):
            raise source.refused(f"{str(file)!r} has no list {inside!r}.")
    yield from cast("list[Any]", whole) if isinstance(whole, list) else [whole]


def _lines(data: bytes, file: Path, source: Source) -> Iterator[Any]:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise source.refused(f"{str(file)!r}, line {number} is no JSON: {error}: {line[:80]!r}.") from error


def _object(value: Any, file: Path, index: int, source: Source) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise source.refused(f"{str(file)!r}, row {index + 1} is {_told(value)}, where an object was expected.")
    return cast("dict[str, Any]", value)


def _told(value: Any) -> str:
    return repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:80]}..."
