"""The JSON of other people's files: JSON or JSON lines, one file or a folder of them, whole or damaged; nothing raises."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

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


def rows(document: Document) -> Iterator[Document]:
    """The entries of a JSON list, or the one value that it is; an empty list is a value, so that it is told."""
    if not isinstance(document.value, list) or not document.value:
        yield document
        return
    for at, value in enumerate(document.value, 1):
        yield Document(f"{document.where}, row {at}", value)


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
