"""The JSON of other people's files: JSON or JSON lines, one file or a folder of them, whole or damaged; nothing raises."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from langdistill.records import Trace
from langdistill.stores.foreign.expected import Unreadable
from langdistill.stores.foreign.losses import Losses
from langdistill.stores.foreign.plain import loads
from langdistill.stores.importing import Unmapped

JSON = (".json", ".jsonl", ".ndjson")
Reading = Callable[[bytes, Losses], Any]
"""Makes a value of UTF-8 and tells what it changed for that; raises `Unreadable`."""


class Document(NamedTuple):
    """One JSON value: a whole file, or a line of one."""

    where: str
    """ "runs.jsonl, row 17" for a line, counted from 1; "runs.json" for a file."""
    value: Any


def files(path: Path, suffixes: Collection[str]) -> Iterator[tuple[Path, str] | Unmapped]:
    """The file, whatever its name; or those of the folder that end so, sorted, each with its name in the folder."""
    if not path.is_dir():
        yield path, path.name
        return
    found = sorted(one for one in path.rglob("*") if one.name.lower().endswith(tuple(suffixes)) and one.is_file())
    for one in found:
        yield one, one.relative_to(path).as_posix()
    if not found:
        yield Unmapped(where=path.name, reason="no-files", detail=f"No file here ends in {', '.join(suffixes)}.")


def documents(path: Path, suffixes: Collection[str] = JSON, read: Reading = loads) -> Iterator[Document | Unmapped]:
    """Every JSON value of a file or of the files of a folder. Lines are read one at a time; a JSON file is read whole."""
    for file in files(path, suffixes):
        if isinstance(file, Unmapped):
            yield file
        else:
            yield from documents_of(*file, read)


def documents_of(path: Path, name: str, read: Reading = loads) -> Iterator[Document | Unmapped]:
    """The JSON values of one file, which is called so in what is reported."""
    try:
        with path.open("rb") as file:
            by_line = _has_lines(file, read)
            file.seek(0)
            yield from _lines(file, name, read) if by_line else _whole(file.read(), name, read)
    except OSError as error:
        yield Unmapped(where=name, reason="unreadable", detail=str(error))


def document_of(data: bytes, where: str, read: Reading = loads) -> Iterator[Document | Unmapped]:
    """The value of these bytes, after what had to be changed in it; or why there is none."""
    losses = Losses(where)
    try:
        value = read(data, losses)
    except Unreadable as error:
        yield error.at(where)
        return
    yield from losses.told
    yield Document(where, value)


def read_rows(
    found: Iterable[Document | Unmapped],
    rows_of: Callable[[Document], Iterable[Document]],
    read_row: Callable[[Document], Iterator[Trace | Unmapped]],
) -> Iterator[Trace | Unmapped]:
    """What each row of the documents becomes, one by one; one that is `Unreadable` is told, and those after it are read."""
    for document in found:
        if isinstance(document, Unmapped):
            yield document
            continue
        for row in rows_of(document):
            try:
                yield from read_row(row)
            except Unreadable as error:
                yield error.at(row.where)


def take_all(found: Iterable[Document | Unmapped], take: Callable[[Any, Losses], None]) -> Iterator[Unmapped]:
    """Give every document to `take`, where a trace may be spread over several; what it could not take is told."""
    for document in found:
        if isinstance(document, Unmapped):
            yield document
            continue
        losses = Losses(document.where)
        take(document.value, losses)
        yield from losses.all()


def rows(document: Document) -> Iterator[Document]:
    """The entries of a JSON list, or the one value that it is; an empty list is a value, so that it is told."""
    if not isinstance(document.value, list) or not document.value:
        yield document
        return
    for at, value in enumerate(document.value, 1):
        yield Document(f"{document.where}, row {at}", value)


def rows_by_key(document: Document, called: str, row_keys: Collection[str]) -> Iterator[Document]:
    """The values of an object of rows, each `called` so with its key; an object that has one of `row_keys` is a row itself."""
    value = document.value
    if not isinstance(value, dict) or not value or not value.keys().isdisjoint(row_keys):
        yield from rows(document)
        return
    for key, row in value.items():
        yield Document(f"{document.where}, {called} {key}", row)


def _has_lines(file: BinaryIO, read: Reading) -> bool:
    """Whether the first line is JSON by itself, and not the only one."""
    filled_lines = (line for line in file if line.strip())
    first = next(filled_lines, b"")
    if not json.detect_encoding(first).startswith("utf-8"):
        return False
    try:
        read(first, Losses(""))
    except Unreadable:
        return False
    return next(filled_lines, None) is not None


def _whole(data: bytes, name: str, read: Reading) -> Iterator[Document | Unmapped]:
    """The value of a file's bytes; where they are none, its lines, unless most of them are none either."""
    encoding = json.detect_encoding(data)
    if not encoding.startswith("utf-8"):
        data = data.decode(encoding, errors="replace").encode(errors="replace")
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        yield Unmapped(where=name, reason="empty", detail="The file holds nothing.")
        return
    told = list(document_of(data, name, read))
    if not isinstance(told[-1], Document):
        lines = list(_lines(data.split(b"\n"), name, read))
        objects = sum(isinstance(one, Document) and isinstance(one.value, dict) for one in lines)
        damaged = sum(isinstance(one, Unmapped) and one.reason in ("no-json", "too-deep") for one in lines)
        told = lines if objects > damaged else told
    yield from told


def _lines(lines: Iterable[bytes], name: str, read: Reading) -> Iterator[Document | Unmapped]:
    for at, line in enumerate(lines, 1):
        if line.strip():
            yield from document_of(line, f"{name}, row {at}", read)
