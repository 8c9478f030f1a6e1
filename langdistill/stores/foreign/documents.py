"""JSON files of unknown origin as plain values that every store can keep; nothing in them raises."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from langdistill.stores.foreign.losses import Losses
from langdistill.stores.importing import Unmapped

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
DEEPEST = 60
"""Levels of nesting that are kept; what is below becomes its JSON text. Encoders and decoders of the stores bear some 200."""
LARGEST = 2**63
"""Whole numbers from here on are kept as text: JSON encoders and databases bear no more."""


class Document(NamedTuple):
    """One JSON value of a file."""

    where: str
    """The file, and the line where it is one of several: "runs.jsonl, line 17"."""
    value: Any


def documents(path: Path) -> Iterator[Document | Unmapped]:
    """The JSON values of a file (one value, or one a line), or of every JSON file below a folder."""
    if not path.is_dir():
        yield from _file(path, path.name)
        return
    for file in sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()):
        yield from _file(file, str(file.relative_to(path)))


def loads(text: str, losses: Losses | None = None) -> Any:
    """The value of a JSON text, made plain.

    Raises:
        ValueError: it is no JSON, or nested too deeply to be read.
    """
    try:
        try:
            value = json.loads(text)
        except ValueError:  # of whole numbers with thousands of digits, too, which are kept as their digits
            value = json.loads(text, parse_int=lambda digits: _whole(digits, losses))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return made_plain(value, losses)


def made_plain(value: Any, losses: Losses | None = None, depth: int = 0) -> Any:
    """What JSON may hold and stores may not, replaced: lone surrogates, numbers that are none, too large, too deep."""
    if isinstance(value, str):
        return _unicode(value, losses)
    if isinstance(value, (bool, type(None))):
        return value
    if isinstance(value, (int, float)):
        return _number(value, losses)
    if depth == DEEPEST:
        return _flattened(value, losses)
    if isinstance(value, dict):
        return {_unicode(key, losses): made_plain(one, losses, depth + 1) for key, one in value.items()}
    return [made_plain(one, losses, depth + 1) for one in value]


def _unicode(text: str, losses: Losses | None) -> str:
    """The same text, with what UTF-8 or PostgreSQL cannot hold as an escape."""
    try:
        text.encode()
        plain = text
    except UnicodeEncodeError:
        plain = text.encode(errors="backslashreplace").decode()
    plain = plain.replace("\x00", "\\x00")
    if losses and plain != text:
        losses.tell("no-unicode", "A text holds a null character or half of a surrogate pair; it is kept as an escape.")
    return plain


def _number(value: float, losses: Losses | None) -> float | str:
    holds = math.isfinite(value) if isinstance(value, float) else abs(value) < LARGEST
    return value if holds else _as_text(str(value), losses)


def _whole(digits: str, losses: Losses | None) -> int | str:
    return int(digits) if len(digits) < 20 else _as_text(digits, losses)


def _as_text(number: str, losses: Losses | None) -> str:
    if losses:
        losses.tell("no-number", f"A number that no store can hold is kept as text: {number[:60]}")
    return number


def _flattened(value: Any, losses: Losses | None) -> str | None:
    try:
        text = json.dumps(value)  # in ASCII: no surrogate is alone in it
    except RecursionError:
        text = None
    if losses:
        losses.tell("too-deep", f"Below {DEEPEST} levels a value is {'kept as JSON text' if text else 'left out'}.")
    return text


def _file(path: Path, name: str) -> Iterator[Document | Unmapped]:
    try:
        data = path.read_bytes()
    except OSError as error:
        yield Unmapped(where=name, reason="unreadable", detail=str(error))
        return
    text = data.decode(json.detect_encoding(data), errors="surrogateescape").removeprefix("\ufeff")
    losses = Losses(name)
    try:
        whole = [Document(name, loads(text, losses))]
    except ValueError as error:
        yield from _lines(text, name, str(error))
    else:
        yield from losses.told
        yield from whole


def _lines(text: str, name: str, reason: str) -> Iterator[Document | Unmapped]:
    """A file that is not one JSON value: JSON lines, if a line is an object or a list by itself."""
    found: list[Document | Unmapped] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            found += _line(line, f"{name}, line {number}")
    if any(isinstance(one, Document) and isinstance(one.value, (dict, list)) and one.value for one in found):
        yield from found
    else:
        yield Unmapped(where=name, reason="no-json", detail=f"Expected JSON, or JSON lines: {reason[:200]}.")


def _line(line: str, where: str) -> list[Document | Unmapped]:
    losses = Losses(where)
    try:
        document = Document(where, loads(line, losses))
    except ValueError as error:
        return [Unmapped(where=where, reason="no-json", detail=f"Expected JSON: {str(error)[:200]}.")]
    return [*losses.told, document]
