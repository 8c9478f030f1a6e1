"""The verdict of a judge of two responses: A, B or a tie."""

from __future__ import annotations

import re

from langdistill.answers.marked import AROUND, marked
from langdistill.answers.tex import plain

BRACKETED = re.compile(r"\[\[ ?([ABC]|tie) ?\]\]", re.IGNORECASE)
MARK = re.compile(r"\b(?:verdict|winner)(?: is\b|\s?:)\**+(?P<rest>[^\n]*+)", re.IGNORECASE)
WHO = r"(?:assistant|response|answer|model|candidate|option|output)"
NAMED = rf"(?:(?:{WHO} )?\(?(?P<letter>[AB])\b|{WHO} (?P<digit>[12])\b)"
LEADING = re.compile(rf"(?:the )?{NAMED}(?P<tail>.{{0,60}})", re.IGNORECASE)
BETTER = r"(?:better|best|superior|stronger|preferable|preferred|(?:the )?winner)"
JUDGED = re.compile(
    rf"\b{NAMED}(?:['’]s (?:{WHO}|answer))?\)? (?:wins|won|(?:is|was|perform(?:s|ed))(?P<not> not|n['’]t)?(?: (?:a|the|slightly|much|clearly|overall|far|bit)){{0,3}} {BETTER})\b"
    rf"|\b(?:prefer|choose|pick) (?:{NAMED.replace('letter', 'liked').replace('digit', 'liked_digit')})"
    r"|(?P<tie>\b(?:it['’]s|is|are|call it) (?:an? )?(?:tie|draw|tied)\b|\bequally good\b)",
    re.IGNORECASE,
)
SCORE = re.compile(r"\d{1,3}(?:\.\d{1,3})?")
TIE = re.compile(r"(?:an? |it['’]s an? |it is an? )?(?:tie|tied|draw|equal|equally|both|neither)\b", re.IGNORECASE)
NAMES = {"a": "A", "1": "A", "b": "B", "2": "B", "c": "tie", "tie": "tie"}


def verdict(text: str) -> str | None:
    """The verdict "A", "B" or "tie".

    Read in this order: the last "[[A]]", "[[B]]" or "[[C]]" (a tie, as FastChat's judges write it); the scores of both where the
    first line is nothing but two numbers ("8 9"); the place the reply marks (see `final_answer`), or that follows "verdict:" or
    "winner:", where it holds a verdict, for a judge writes "answer is" of the answers it judges; the last judgement in words
    ("Assistant A is better", "I prefer B", "it's a tie"); a reply that is the verdict itself. Assistants 1 and 2 are A and B.
    """
    if bracketed := BRACKETED.findall(text):
        return NAMES[bracketed[-1].casefold()]
    place = marked(text)
    if place is None and (verdicts := MARK.findall(text)):
        place = verdicts[-1]
    pair = scores(text)
    told = (leading(*pair) if pair else None) or (_told(plain(place)) if place is not None else None)
    return told or _judged(text) or (_told(text) if len(text) < 40 else None)


def scores(text: str) -> tuple[float, float] | None:
    """The two scores of a reply whose first line is nothing but them, as "8 9.5" or "8, 9.5"; no others are read."""
    words = text.strip().partition("\n")[0][:40].replace(",", " ").split()
    if len(words) != 2 or not all(SCORE.fullmatch(word) for word in words):
        return None
    return float(words[0]), float(words[1])


def leading(a: float, b: float) -> str:
    """The verdict that two scores imply."""
    return "A" if a > b else "B" if b > a else "tie"


def swapped(verdict: str | None) -> str | None:
    """The verdict on two responses from a judge that was shown them the other way round: A is B, and a tie stays one."""
    return {"A": "B", "B": "A"}.get(verdict, verdict) if verdict else None


def _told(place: str) -> str | None:
    """What a marked place says: the verdict it begins with, else the one judged in its words."""
    words = place.strip(AROUND + "[]() ")
    if TIE.match(words):
        return "tie"
    named = LEADING.match(words)
    if words.casefold() in NAMES or (named and not _is_worse(named["tail"])):
        return NAMES[(words if named is None else named["letter"] or named["digit"]).casefold()]
    return _judged(place)


def _is_worse(tail: str) -> bool:
    return bool(re.search(r"\b(?:not|worse|loses|lost|weaker|inferior|or|and|n['’]t)\b", tail, re.IGNORECASE))


def _judged(text: str) -> str | None:
    """The last judgement in words that is not negated."""
    last = None
    for found in JUDGED.finditer(text):
        who = found["letter"] or found["digit"] or found["liked"] or found["liked_digit"]
        if found["tie"]:
            last = "tie"
        elif who and not found["not"]:
            last = NAMES[who.casefold()]
    return last
