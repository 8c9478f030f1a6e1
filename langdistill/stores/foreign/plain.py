"""JSON of unknown origin as plain values that every store can keep; what had to be changed for that is told."""

from __future__ import annotations

import json
import math
from typing import Any

from langdistill.stores.foreign.expected import Unreadable
from langdistill.stores.foreign.losses import Losses

DEEPEST = 60
"""Levels of nesting that are kept; what is below becomes its JSON text. Encoders and decoders of the stores bear some 200."""
LARGEST = 2**63
"""Whole numbers from here on are kept as text: JSON encoders and databases bear no more."""


def loads(text: str | bytes, losses: Losses | None = None, *, deepest: int = DEEPEST) -> Any:
    """The value of a JSON text, made plain. Bytes are UTF-8; those that are none stay as escapes.

    Raises:
        Unreadable: it is no JSON, or nested too deeply to be read.
    """
    return made_plain(_json(text, losses), losses, deepest)


def loads_exactly(text: str | bytes, losses: Losses | None = None) -> Any:
    """The value of a JSON text as it is, which is for what our own exporter wrote.

    Raises:
        Unreadable: it is no JSON, or nested too deeply to be read.
    """
    return _json(text, losses)


def _json(text: str | bytes, losses: Losses | None) -> Any:
    known = text if isinstance(text, str) else text.decode("utf-8-sig", errors="surrogateescape")
    try:
        try:
            return json.loads(known)
        except ValueError:  # of whole numbers with thousands of digits, too, which are kept as their digits
            return json.loads(known, parse_int=lambda digits: _whole(digits, losses))
    except RecursionError as error:
        raise Unreadable("too-deep", "It is nested too deeply to be read.") from error
    except ValueError as error:
        raise Unreadable("no-json", f"Expected JSON: {str(error)[:200]}.") from error


def made_plain(value: Any, losses: Losses | None = None, deepest: int = DEEPEST) -> Any:
    """The same JSON value, where what stores may not hold is replaced in place: lone surrogates, numbers that are none, too large, too deep."""
    root = [value]
    waiting: list[tuple[Any, int]] = [(root, deepest)]
    while waiting:  # a search tree is deeper than Python's stack
        inside, left = waiting.pop()
        if isinstance(inside, dict):
            items = [(_unicode(key, losses), held) for key, held in inside.items()]
            inside.clear()
            inside.update(items)
        for key, held in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
            if not isinstance(held, (dict, list)):
                inside[key] = _leaf(held, losses)
            elif left == 0:
                inside[key] = _flattened(held, losses)
            else:
                waiting.append((held, left - 1))
    return root[0]


def _leaf(value: Any, losses: Losses | None) -> Any:
    if isinstance(value, str):
        return _unicode(value, losses)
    return value if isinstance(value, (bool, type(None))) else _number(value, losses)


def _unicode(text: str, losses: Losses | None) -> str:
    """The same text, with what UTF-8 or PostgreSQL cannot hold as an escape."""
    try:
        text.encode()
        plain = text
    except UnicodeEncodeError:
        plain = text.encode(errors="backslashreplace").decode()
    plain = plain.replace("\x00", "\\x00")
    if losses and plain != text:
        losses.tell(
            "no-unicode",
            "A text holds a null character, half of a surrogate pair or a byte that is no UTF-8; it is kept as an escape.",
        )
    return plain


def _number(value: float, losses: Losses | None) -> float | str:
    holds = math.isfinite(value) if isinstance(value, float) else abs(value) < LARGEST
    return value if holds else _as_text(json.dumps(value), losses)


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
        losses.tell("too-deep", f"What is nested too deeply is {'kept as JSON text' if text else 'left out'}.")
    return text
