"""Letters put together, as in last-letter concatenation."""

from __future__ import annotations

import re

from langdistill.answers.marked import bare, marked
from langdistill.answers.tex import plain

BETWEEN = r"(?:,? and |[ .,\-+]{1,2})"
LETTER = r"[^\W\d_][\u0300-\u036f]*+"
STRING = rf"(?:{LETTER}(?:{BETWEEN}{LETTER})++(?![^\W\d_])|(?:{LETTER})++)"
QUOTES = "\"'`“”‘’*"
QUOTED = re.compile(rf"(?<!\w)[{QUOTES}]{{1,3}}({STRING})[ .,!]?[{QUOTES}]{{1,3}}(?!\w)")
CLOSING = re.compile(
    rf"(?:(?<![{QUOTES}] )\bis|\b(?:be|becomes?|forms?|gives?|get|yields?|obtain|together|into|as))\s?:?\s({STRING})[.!]?\s*+$",
    re.I,
)
ONLY = re.compile(STRING)
SEPARATORS = re.compile(r"[^\w\u0300-\u036f]+")
LONGEST = 100


def letters(text: str) -> str | None:
    """The letters a reply ends in, joined and in lower case: "nk" for "nk", "N K", "n-k" and "n.k.".

    Where the reply marks a place (see `final_answer`), the last quoted letters of that place, or the whole of it when it is one
    word or single letters; nothing elsewhere. Without a mark: the whole reply when it is one word or single letters, else the
    letters that the reply closes with ("... gives nk."), else its last quoted letters.
    """
    place = marked(text)
    if place is not None:
        return _last_quoted(plain(place)) or _whole(plain(place))
    return _whole(text) or _closing(text) or _last_quoted(text)


def _whole(text: str) -> str | None:
    only = bare(text.strip())
    return _joined(only) if len(only) <= LONGEST and ONLY.fullmatch(only) else None


def _closing(text: str) -> str | None:
    found = CLOSING.search(text.rstrip()[-LONGEST:])
    return _joined(found[1]) if found else None


def _last_quoted(text: str) -> str | None:
    found = QUOTED.findall(text)
    return _joined(found[-1]) if found else None


def _joined(found: str) -> str:
    return SEPARATORS.sub("", re.sub(r"\band\b", "", found) if " and " in found else found).casefold()
