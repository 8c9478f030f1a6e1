"""The letter of a multiple choice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from langdistill.answers.marked import bare, marked
from langdistill.answers.tex import plain

LEADING = re.compile(r"[^\w(\[]{0,20}(?:(?:option|choice)\s)?[(\[]{0,2}(?P<letter>[A-Z])(?!['’\w])", re.IGNORECASE)
IN_BRACKETS = re.compile(r"\((?P<letter>[A-Za-z])\)")
ALONE = re.compile(r"(?<![\w'’(])(?P<letter>[A-Z])(?![\w'’])")
LAST_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")
LISTED = re.compile(r"(?P<letter>[A-Za-z])[).:](?=\s)")
AND_ANOTHER = re.compile(r"[)\]*]{0,4}(?:\s?[,/&]|\s(?:or|and))\s?(?:option\s)?[(\[]{0,2}[A-Z](?![\w'’])")
IN_A_SENTENCE = re.compile(r" (?!(?:because|since|as|is|which|for)\b)[a-z]")
NEGATED = re.compile(
    r"(?:\bnot|n['’]t|\bthan|\binstead of|\bneither|\bnor)\s(?:(?:be|option|choice|the)\s)?[(\[*]{0,4}$", re.I
)


def choice(text: str) -> str | None:
    """The chosen letter, as "B" for "(B)", "b)", "Option B" and "B. Paris".

    Where the reply marks a place (see `final_answer`), the letter that place begins with, else the only letter in it; no
    letter elsewhere. Without a mark: the letter the reply is or begins with ("B. Paris"), else the last letter in
    round brackets of its last sentence. A letter behind "not", "than" or "instead of" is not chosen. Two letters, "(A) or (B)", are no answer.
    """
    place = marked(text)
    if place is not None:
        return _leading(plain(place)) or _only(plain(place))
    return _listed(text.strip()) or _last(LAST_SENTENCE.split(text.strip())[-1])


def _leading(place: str) -> str | None:
    """The first letter of a place, when it is no word of a sentence ("A cat") and no other stands beside it."""
    found = LEADING.match(place)
    if not found or AND_ANOTHER.match(place, found.end()):
        return None
    letter = found["letter"]
    is_word = letter in "AI" and IN_A_SENTENCE.match(place, found.end())
    is_small = letter.islower() and len(bare(place)) > 1 and place[found.end() : found.end() + 1] not in tuple(")].:,")
    return None if is_word or is_small else letter.upper()


def _only(place: str) -> str | None:
    """The only letter of a place: of those in brackets, or where there is none in brackets, of capitals that stand alone."""
    for pattern in (IN_BRACKETS, ALONE):
        letters = {
            letter for at, letter in _letters(pattern, place) if pattern is IN_BRACKETS or not _is_word(place, at)
        }
        if letters:
            return letters.pop() if len(letters) == 1 else None
    return None


def _listed(reply: str) -> str | None:
    if len(letter := bare(reply)) == 1 and letter.isascii() and letter.isalpha():
        return letter.upper()
    listed = LISTED.match(reply)
    return listed["letter"].upper() if listed else None


def _last(text: str) -> str | None:
    return next((letter for _, letter in reversed([*_letters(IN_BRACKETS, text)])), None)


def _letters(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    """Every letter that is not negated, and where it stands."""
    for found in pattern.finditer(text):
        if not NEGATED.search(text[max(0, found.start() - 30) : found.start()]):
            yield found.start("letter"), found["letter"].upper()


def _is_word(place: str, at: int) -> bool:
    return place[at] in "AI" and bool(IN_A_SENTENCE.match(place, at + 1))
