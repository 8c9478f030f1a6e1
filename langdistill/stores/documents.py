"""The JSON of other people's files: JSON or JSON lines, one file or a folder of them, whole or damaged."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from langdistill.records import Trace, digest
from langdistill.stores.importing import Unmapped

JSON = (".json", ".jsonl", ".ndjson")
DEEPEST = 100
"""Levels of nesting that a record can hold: a store must be able to read back what it wrote."""
UNPAIRED = re.compile("[\ud800-\udfff]")
UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Unreadable(ValueError):
    """A row that is not of its format. Never leaves an importer: it becomes an `Unmapped`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def at(self, where: str) -> Unmapped:
        """The same, as what is reported."""
        return Unmapped(where=where, reason=self.reason, detail=self.detail)


@dataclass(frozen=True)
class Document:
    """One JSON value: a whole file, or a line of one."""

    where: str
    """ "runs.jsonl, row 17" for a line, counted from 1; "runs.json" for a file."""
    value: Any


def files(path: Path, suffixes: Collection[str]) -> Iterator[tuple[Path, str] | Unmapped]:
    """The file, whatever its name; or those of the folder that end so, sorted, each with its name in the folder."""
    if not path.is_dir():
        yield path, path.name
        return
    found = sorted(one for one in path.rglob("*") if one.name.endswith(tuple(suffixes)) and one.is_file())
    for one in found:
        yield one, one.relative_to(path).as_posix()
    if not found:
        yield Unmapped(where=path.name, reason="no-files", detail=f"No file here ends in {', '.join(suffixes)}.")


def documents(path: Path, suffixes: Collection[str] = JSON, *, deepest: int = DEEPEST) -> Iterator[Document | Unmapped]:
    """Every JSON value of a file or of the files of a folder. Lines are read one at a time; a JSON file is read whole."""
    for file in files(path, suffixes):
        if isinstance(file, Unmapped):
            yield file
        else:
            yield from documents_of(*file, deepest)


def documents_of(path: Path, name: str, deepest: int = DEEPEST) -> Iterator[Document | Unmapped]:
    """The JSON values of one file, which is called so in what is reported."""
    try:
        with path.open("rb") as file:
            by_line = _has_lines(file, deepest)
            file.seek(0)
            yield from _lines(file, name, deepest) if by_line else whole(file.read(), name, deepest)
    except OSError as error:
        yield Unmapped(where=name, reason="unreadable", detail=str(error))


def _has_lines(file: BinaryIO, deepest: int) -> bool:
    """Whether the first line is JSON by itself, and not the only one."""
    filled_lines = (line for line in file if line.strip())
    first = next(filled_lines, b"")
    if first.startswith(UTF16):
        return False
    try:
        parsed(first, deepest)
    except Unreadable:
        return False
    return next(filled_lines, None) is not None


def whole(data: bytes, name: str, deepest: int = DEEPEST) -> Iterator[Document | Unmapped]:
    """The value of a file's bytes; where they are none, its lines, unless most of them are none either."""
    if data.startswith(UTF16):
        data = data.decode("utf-16", errors="replace").encode(errors="replace")
    if not data.strip().removeprefix(b"\xef\xbb\xbf").strip():
        yield Unmapped(where=name, reason="empty", detail="The file holds nothing.")
        return
    try:
        yield Document(name, parsed(data, deepest))
    except Unreadable as error:
        lines = list(_lines(data.split(b"\n"), name, deepest))
        rows = sum(isinstance(line, Document) and isinstance(line.value, dict) for line in lines)
        yield from lines if rows * 2 > len(lines) else [error.at(name)]


def _lines(lines: Iterable[bytes], name: str, deepest: int) -> Iterator[Document | Unmapped]:
    for at, line in enumerate(lines, 1):
        where = f"{name}, row {at}"
        if not line.strip():
            continue
        try:
            yield Document(where, parsed(line, deepest))
        except Unreadable as error:
            yield error.at(where)


def parsed(data: bytes | str, deepest: int = DEEPEST) -> Any:
    """The JSON value, with all that a store cannot keep made storable.

    Raises:
        Unreadable: it is no UTF-8, no JSON, or nested too deeply.
    """
    try:
        value = json.loads(data.decode("utf-8-sig") if isinstance(data, bytes) else data)
    except UnicodeDecodeError as error:
        raise Unreadable("encoding", f"Byte {error.start} is no UTF-8.") from error
    except RecursionError as error:
        raise Unreadable("too-deep", f"Nested more than {deepest} levels deep.") from error
    except ValueError as error:
        raise Unreadable("no-json", str(error)[:200]) from error
    return storable(value, deepest)


def storable(value: Any, deepest: int = DEEPEST) -> Any:
    """A fresh JSON value, changed in place: what JSON or UTF-8 cannot hold is kept as text.

    Unpaired surrogates become U+FFFD; NaN, infinities and whole numbers past 64 bits become their spelling.

    Raises:
        Unreadable: nested too deeply.
    """
    root = [value]
    waiting: list[tuple[Any, int]] = [(root, 0)]
    while waiting:
        inside, depth = waiting.pop()
        if depth > deepest:
            raise Unreadable("too-deep", f"Nested more than {deepest} levels deep.")
        if isinstance(inside, dict) and any(UNPAIRED.search(key) for key in inside):
            items = [(UNPAIRED.sub("\ufffd", key), held) for key, held in inside.items()]
            inside.clear()
            inside.update(items)
        for key, held in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
            if isinstance(held, (dict, list)):
                waiting.append((held, depth + 1))
            else:
                inside[key] = _storable_leaf(held)
    return root[0]


def _storable_leaf(value: Any) -> Any:
    if isinstance(value, str):
        return UNPAIRED.sub("\ufffd", value)
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def rows(document: Document) -> Iterator[Document]:
    """The entries of a JSON list, or the one value that it is; an empty list is a value, so that it is told."""
    if not isinstance(document.value, list) or not document.value:
        yield document
        return
    for at, value in enumerate(document.value, 1):
        yield Document(f"{document.where}, row {at}", value)


def an_object(value: Any, what: str) -> dict[str, Any]:
    """The value, which must be a JSON object.

    Raises:
        Unreadable: it is something else.
    """
    if not isinstance(value, dict):
        raise Unreadable("wrong-type", f"{what} is {kind(value)}, and an object was expected.")
    return value


def a_list(value: Any, what: str) -> list[Any]:
    """The value, which must be a JSON list.

    Raises:
        Unreadable: it is something else.
    """
    if not isinstance(value, list):
        raise Unreadable("wrong-type", f"{what} is {kind(value)}, and a list was expected.")
    return value


def kind(value: Any) -> str:
    """What JSON calls the type of a value."""
    names = {type(None): "null", bool: "a boolean", str: "a text", dict: "an object", list: "a list"}
    return names.get(type(value), "a number")


def a_text(value: Any) -> str | None:
    """The value where it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def within(value: Any, *keys: str) -> Any:
    """What lies inside of objects under the keys, `None` where one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def a_number(value: Any) -> float | None:
    """A number or a boolean as a float, `None` for anything else."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def a_count(value: Any) -> int:
    """A whole number that is not negative, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def seconds(value: Any) -> float:
    """Seconds since the epoch, of such a number or of an ISO 8601 text; 0 where it is neither."""
    if isinstance(value, str):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromisoformat(value).timestamp()
        return 0.0
    return a_number(value) or 0.0


class Ids:
    """Ids from contents: equal in every import, and different for two equal rows of one import."""

    def __init__(self, format: str) -> None:
        self._format = format
        self._seen: Counter[str] = Counter()

    def of(self, value: Any) -> str:
        """Id of a row."""
        content = digest(self._format, json.dumps(value, sort_keys=True))[:32]
        self._seen[content] += 1
        again = self._seen[content]
        return content if again == 1 else f"{content}-{again}"


def trace_of(where: str, **fields: Any) -> Trace | Unmapped:
    """The trace, where a store can keep it; its place in the file is in the metadata as `where`."""
    fields["metadata"] = {key: value for key, value in fields.get("metadata", {}).items() if value is not None}
    fields["metadata"]["where"] = where
    try:
        trace = Trace(**fields)
        trace.model_dump_json(exclude={"calls": {"__all__": {"prompt"}}})  # prompts repeat what stands elsewhere
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return Unmapped(where=where, reason="no-trace", detail=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    except (ValueError, RecursionError) as error:
        return Unmapped(where=where, reason="no-trace", detail=str(error)[:200])
    return trace


def left_out(where: str, reason: str, what: Collection[str]) -> Iterator[Unmapped]:
    """What a trace was made without, where there is something."""
    if what:
        yield Unmapped(where=where, reason=reason, detail=", ".join(sorted(what)))


def filled(raw: dict[str, Any], *known: str) -> set[str]:
    """The keys that hold something, but for those that are known."""
    return {key for key, value in raw.items() if key not in known and value not in (None, "", [], {})}
