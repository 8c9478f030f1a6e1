"""Yes or no."""

from __future__ import annotations

import re

from langdistill.answers.marked import marked
from langdistill.answers.tex import plain

WORD = re.compile(r"(?<!\bnot )(?<![\w-])(?<!\w['’])(?:yes|no)(?![\w-]|['’]\w)", re.IGNORECASE)
LEADING = re.compile(r"[\W_]{0,20}(yes|no)(?![\w-]|['’]\w)", re.IGNORECASE)
CLOSING = re.compile(r"(?<![\w-])(?<!\w['’])(yes|no)[\W_]{0,20}$", re.IGNORECASE)
BEFORE_CLAUSE = re.compile(
    r"(?:^|[.!?:;,\n—–\"“”‘(*>])[ \"“‘'*_(]{0,3}$|\b(?:so|then|therefore|thus|hence),? $", re.IGNORECASE
)
AFTER_CLAUSE = re.compile(r"[ \"”’'*_)]{0,3}(?:$|[.!?:;,\n—–])")


ALTERNATIVE = re.compile(r"\b(?:or|either|neither|nor)\W{1,3}$", re.IGNORECASE)


def yes_no(text: str) -> str | None:
    """The word "yes" or "no".

    Where the reply marks a place (see `final_answer`), the word that place begins with, else the only one of both in it; no
    word elsewhere. Without a mark: the last yes or no that stands as a clause of its own ("No, the coin ..."; not "no doubt"),
    else the one the reply closes with, else the one it begins with.
    """
    place = marked(text)
    if place is None:
        return _last_clause(text) or _closing(text[-60:]) or _first(LEADING.match(text))
    words = {word.casefold() for word in WORD.findall(plain(place))}
    return _first(LEADING.match(plain(place))) or (words.pop() if len(words) == 1 else None)


def _first(found: re.Match[str] | None) -> str | None:
    return found[1].casefold() if found else None


def _closing(end: str) -> str | None:
    found = CLOSING.search(end)
    return found[1].casefold() if found and not ALTERNATIVE.search(end[: found.start()]) else None


def _last_clause(text: str) -> str | None:
    last = None
    for word in WORD.finditer(text):
        before = text[max(0, word.start() - 15) : word.start()]
        closed = word[0].casefold() == "yes" or AFTER_CLAUSE.match(text, word.end())
        if closed and BEFORE_CLAUSE.search(before) and not ALTERNATIVE.search(before):
            last = word[0].casefold()
    return last
