r"""Hide secrets and personal data before anything is written.

    recorder's message --> screened by the redactors' hints --> (nearly always) the very same object, in microseconds
                                                            \-> a copy in which every finding has a stand-in

A redactor is any function from a text to what it found in there. It fails closed: a text that a redactor cannot read is
hidden whole.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import index
from typing import Any, NamedTuple

from langdistill.recording.privacy.pseudonyms import PSEUDONYM, Pseudonyms
from langdistill.recording.privacy.screening import any_of

__all__ = ["UNREADABLE", "Found", "Pseudonyms", "Redactor", "hide", "pattern", "redact", "worth_asking"]

log = logging.getLogger(__name__)

UNREADABLE = "<UNREADABLE>"
"""Stands for a text on which a redactor failed."""
FEWEST_DIGITS = 4
"""Whole numbers with fewer are not looked at."""
BINARY = re.compile(r"data:[\w/+.-]{1,80};base64,[A-Za-z0-9+/=\s]*\Z")
"""An image or a file inside a message. Its letters mean nothing, and there are millions of them."""

_told: set[tuple[str, str]] = set()


class Found(NamedTuple):
    """One thing to hide in a text: ``text[start:end]``, and what it is."""

    start: int
    end: int
    kind: str
    """An upper-case field name, which becomes the stand-in's: "EMAIL", "API_KEY"."""


Redactor = Callable[[str], Iterable[Found]]
"""What is to hide in a text. Three things are allowed for:

- findings may overlap, and reach over the ends of the text;
- an attribute ``hints: tuple[bytes, ...]``, lower-case ASCII, says that nothing can be found in a message unless one of them occurs in
  its lower-cased JSON; without it, the redactor reads every text;
- an attribute ``in_field: Callable[[str, str], Iterable[Found]]`` is called with the field's name and its text, in place of the
  redactor itself, where a text is the value of a field.
"""


def redact(value: Any, encoded: bytes, redactors: Sequence[Redactor], pseudonyms: Pseudonyms) -> Any:
    """`value` itself, the very same object, when nothing was found, else a copy in which every finding has a stand-in.

    `value` is plain data and `encoded` its JSON. Values and keys of dicts, items of lists and whole numbers of four digits or more are
    read; a number in which something is found becomes a text. A text that is itself JSON is read as what it holds and stays
    JSON. Stand-ins that are there already stay.
    """
    reading = worth_asking(redactors, encoded)
    return hide(value, reading, pseudonyms) if reading else value


def hide(value: Any, redactors: Sequence[Redactor], pseudonyms: Pseudonyms) -> Any:
    """As `redact`, with redactors that `worth_asking` has named: the JSON is not screened once more."""
    return _Cleaning(redactors, pseudonyms).clean(value, "")


def worth_asking(redactors: Sequence[Redactor], encoded: bytes) -> list[Redactor]:
    """The redactors that may find something in a value with this JSON; nearly always none, and told in microseconds."""
    screened = str(encoded.lower(), "utf-8", "replace")
    return [one for one in redactors if _may_find(one, screened)]


def _may_find(redactor: Redactor, screened: str) -> bool:
    hints = getattr(redactor, "hints", None)
    return not hints or any_of(tuple(hints))(screened)


def pattern(kind: str, expression: str | re.Pattern[str], *, hints: Iterable[str | bytes] = ()) -> Redactor:
    r"""A redactor that hides whatever a regular expression matches: ``pattern("ORDER", r"ORD-\d{6}", hints=["ord-"])``.

    With `hints`, only messages that hold one of them (in any case) are read.

    Raises:
        ValueError: a hint is not printable ASCII, or holds a quote or a backslash; JSON writes those otherwise.
        re.error: the expression is no regular expression.
    """
    return _Pattern(kind, re.compile(expression), tuple(map(_hint, hints)))


def _hint(hint: str | bytes) -> bytes:
    text = hint.decode("latin-1") if isinstance(hint, bytes) else hint
    if not text or not (text.isascii() and text.isprintable()) or set(text) & set('"\\'):
        raise ValueError(
            f"The hint {text!r} cannot be looked for in JSON: give printable ASCII without quotes and backslashes, or no hints."
        )
    return text.lower().encode()


class _Pattern:
    def __init__(self, kind: str, expression: re.Pattern[str], hints: tuple[bytes, ...]) -> None:
        self.kind, self.expression, self.hints = kind, expression, hints

    def __call__(self, text: str) -> Iterator[Found]:
        return (Found(*match.span(), self.kind) for match in self.expression.finditer(text))

    def __repr__(self) -> str:
        return f"pattern({self.kind!r}, {self.expression.pattern!r})"


class _Cleaning:
    """One message on its way through the redactors that may find something in it."""

    def __init__(self, redactors: Sequence[Redactor], pseudonyms: Pseudonyms) -> None:
        self.redactors, self.pseudonyms = redactors, pseudonyms

    def clean(self, value: Any, field: str) -> Any:
        """The value without what was found, the same object where that is nothing; `field` names what it is the value of."""
        if isinstance(value, str):
            return self._text(value, field)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(value, field)
        try:
            if isinstance(value, dict):
                return self._dict(value)
            if isinstance(value, (list, tuple)):
                return self._list(value, field)
        except RecursionError:  # deeper than Python goes: nobody has read it
            return UNREADABLE
        return value

    def _dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        cleaned: dict[Any, Any] = {}
        same = True
        for key, held in value.items():
            named = self._plain(key, "") if isinstance(key, str) else key
            kept = self.clean(held, _field(value, key))
            same = same and named is key and kept is held
            cleaned[_free(named, cleaned)] = kept
        return value if same else cleaned

    def _list(self, value: list[Any] | tuple[Any, ...], field: str) -> Any:
        cleaned = [self.clean(one, field) for one in value]
        return value if all(new is old for new, old in zip(cleaned, value, strict=True)) else type(value)(cleaned)

    def _number(self, value: int, field: str) -> Any:
        written = str(value)
        if len(written) < FEWEST_DIGITS:
            return value
        found = self._found(written, field)
        if found is None:
            return UNREADABLE
        return self.pseudonyms.of(max(found, key=_length).kind, written) if found else value

    def _text(self, text: str, field: str) -> str:
        if text[:5] == "data:" and BINARY.match(text):
            return text
        held = _json_in(text)
        if held is None:
            return self._plain(text, field)
        cleaned = self.clean(held, field)
        return text if cleaned is held else _written_like(text, cleaned)

    def _plain(self, text: str, field: str) -> str:
        found = self._found(text, field)
        if found is None:
            return UNREADABLE if text != UNREADABLE else text
        if not found:
            return text
        pieces: list[str] = []
        at = 0
        for start, end, kind in found:
            pieces += text[at:start], self.pseudonyms.of(kind, text[start:end])
            at = end
        return "".join((*pieces, text[at:]))

    def _found(self, text: str, field: str) -> list[Found] | None:
        """What to hide, in order and without overlap; `None` if a redactor failed."""
        found: list[Found] = []
        for redactor in self.redactors:
            try:
                in_field = getattr(redactor, "in_field", None) if field else None
                for start, end, kind in in_field(field, text) if in_field else redactor(text):
                    found.append(Found(max(0, index(start)), min(index(end), len(text)), str(kind)))
            except Exception as error:
                _tell(redactor, error)
                return None
        return _outside(text, _apart([one for one in found if one.start < one.end])) if found else found


def _field(holder: dict[Any, Any], key: Any) -> str:
    """What a value is the value of: its key, or its neighbour where fields are listed as ``{"name": ..., "value": ...}``."""
    if key == "value":
        key = holder.get("name") or holder.get("key") or key
    return key if isinstance(key, str) else ""


def _free(key: Any, taken: dict[Any, Any]) -> Any:
    """The key, or one like it: two keys that are the same once hidden must not cost a value."""
    free, count = key, 1
    while free in taken:
        count += 1
        free = f"{key} ({count})"
    return free


def _tell(redactor: Redactor, error: Exception) -> None:
    """Say once that a redactor fails. An error's own text may quote what was to be hidden, so only its type is told."""
    name = getattr(redactor, "__qualname__", None) or type(redactor).__qualname__
    told = name, type(error).__qualname__
    if told not in _told:
        _told.add(told)
        log.warning(
            "The redactor %s raised %s. Texts on which it fails are recorded as %s; this is not told again.",
            *told,
            UNREADABLE,
        )


def _length(found: Found) -> int:
    return found.end - found.start


def _outside(text: str, found: list[Found]) -> list[Found]:
    """The parts of the findings (in order, apart) that no stand-in covers; what joins two stand-ins is no part."""
    stand_ins = [match.span() for match in PSEUDONYM.finditer(text)] if "<" in text else []
    if not stand_ins:
        return found
    parts: list[Found] = []
    at = 0
    for one in found:
        while at < len(stand_ins) and stand_ins[at][1] <= one.start:
            at += 1
        cut, start = at, one.start
        while cut < len(stand_ins) and stand_ins[cut][0] < one.end:
            parts.append(Found(start, stand_ins[cut][0], one.kind))
            start = stand_ins[cut][1]
            cut += 1
        parts.append(Found(start, one.end, one.kind) if cut > at else one)
        at = max(at, cut - 1)  # the last one may reach into the next finding
    whole = set(found)
    return [one for one in parts if one in whole or any(map(str.isalnum, text[one.start : max(one.start, one.end)]))]


def _apart(found: list[Found]) -> list[Found]:
    """Overlapping findings as one, of the kind of the longest among them (of the first, where two are as long)."""
    apart: list[Found] = []
    longest = 0
    for one in sorted(found, key=lambda one: one.start):
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
            longest = _length(one)
            continue
        kind = one.kind if _length(one) > longest else apart[-1].kind
        longest = max(longest, _length(one))
        apart[-1] = Found(apart[-1].start, max(apart[-1].end, one.end), kind)
    return apart


def _json_in(text: str) -> Any:
    """The object or list that a text is the JSON of, or `None`: for other texts, and for JSON that cannot be written back."""
    if text[:1] not in ("{", "[") and text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):  # the second would hide the first, which would stay in the text
        raise ValueError("a key occurs twice")
    return held


def _written_like(text: str, value: Any) -> str:
    """JSON of the value; ASCII where the text was, so that what had to be escaped still is."""
    written = json.dumps(value, ensure_ascii=text.isascii())
    try:
        written.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(value)
    return written
