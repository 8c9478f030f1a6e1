"""Yes or no."""

from __future__ import annotations

import re

from langdistill.answers.marked import marked
from langdistill.answers.tex import plain

WORD = re.compile(r"(?<![\w'’-])(?:yes|no)(?![\w'’-])", re.IGNORECASE)
LEADING = re.compile(r"[\W_]{0,20}(yes|no)(?![\w'’-])", re.IGNORECASE)
CLOSING = re.compile(r"(?<![\w'’-])(yes|no)[\W_]{0,20}$", re.IGNORECASE)
BEFORE_CLAUSE = re.compile(r"(?:^|[.!?:;,\n—–\"“”‘(*>])[ \"“‘*_(]{0,3}$")
AFTER_CLAUSE = re.compile(r"[ \"”’*_)]{0,3}(?:$|[.!?:;,\n—–])")


def yes_no(text: str) -> str | None:
    """ "yes" or "no".

    Where the reply marks a place (see `final_answer`), the word that place begins with, else the only one of both in it; no
    word elsewhere. Without a mark: the last yes or no that stands as a clause of its own ("No, the coin ..."; not "no doubt"),
    else the one the reply closes with, else the one it begins with.
    """
    place = marked(text)
    if place is None:
        return _last_clause(text) or _first(CLOSING.search(text[-40:])) or _first(LEADING.match(text))
    words = {word.casefold() for word in WORD.findall(plain(place))}
    return _first(LEADING.match(plain(place))) or (words.pop() if len(words) == 1 else None)


def _first(found: re.Match[str] | None) -> str | None:
    return found[1].casefold() if found else None


def _last_clause(text: str) -> str | None:
    last = None
    for word in WORD.finditer(text):
        if BEFORE_CLAUSE.search(text[max(0, word.start() - 5) : word.start()]) and AFTER_CLAUSE.match(text, word.end()):
            last = word[0].casefold()
    return last
