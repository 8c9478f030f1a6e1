"""What a judge says of one answer or of several: a grade, an outlook, or a choice among numbered responses."""

from __future__ import annotations

import re

from langdistill.answers.marked import AROUND
from langdistill.answers.tex import plain
from langdistill.answers.verdicts import scores

GRADE = re.compile(
    r"\b(?:score|grade|rating)[*_]{0,2}(?: is| of|\s?[:=])[*_\s]{0,4}(?P<value>\d{1,3}(?:\.\d{1,3})?)(?![\w-])(?:\s?(?:/|out of)\s?(?P<of>\d{1,3}))?",
    re.IGNORECASE,
)
BRACKETED = re.compile(r"\[\[ ?(?P<value>\d{1,3}(?:\.\d{1,3})?) ?\]\](?:\s?/\s?(?P<of>\d{1,3}))?")
ALONE = re.compile(r"(?P<value>\d{1,3}(?:\.\d{1,3})?)(?:\s?/\s?(?P<of>\d{1,3}))?\.?")
SIDE = re.compile(
    r"\b(?:score|grade|rating)s? (?:of|for) (?:the )?(?:assistant |response |answer )?(?P<side>[AB12])\b[*_]{0,2}(?: is| ?[:=])[*_\s]{0,4}(?P<value>\d{1,3}(?:\.\d{1,3})?)(?![\w-])(?:\s?(?:/|out of)\s?(?P<of>\d{1,3}))?",
    re.IGNORECASE,
)
DECISION = re.compile(r"\brefine[*_]{0,2}\s?:[*_\s]{0,4}(yes|no)\b", re.IGNORECASE)
OUTLOOKS = ("sure", "likely", "impossible")
OUTLOOK = re.compile(rf"\bjudge?ment[*_]{{0,2}}\s?:[*_\s]{{0,4}}({'|'.join(OUTLOOKS)})\b", re.IGNORECASE)
RESPONSE = re.compile(r"\bresponse\s*#?\s*(\d+)", re.IGNORECASE)


def grade(text: str, *, out_of: int = 10) -> float | None:
    """The grade that a judge's reply ends in, as 7 for "Score: 7", "**Rating:** 7/10", "[[7]]" or a reply that is "7".

    `None` where there is none, or where the last one is on another scale ("3/5") or outside of it.

    Args:
        text: the reply.
        out_of: the best grade; the worst is 1.
    """
    words = plain(text)
    found = [*BRACKETED.finditer(text)] or [*GRADE.finditer(words)] or [ALONE.fullmatch(words.strip())]
    last = found[-1]
    if last is None or last["of"] not in (None, str(out_of)):
        return None
    value = float(last["value"])
    return value if 1 <= value <= out_of else None


def grades(text: str, *, out_of: int = 10) -> tuple[float, float] | None:
    """The grades of two responses that a judge's reply ends in: "Score of A: 8" and "Score of B: 6.5", assistants 1 and 2 being A and B;
    else the two numbers of a first line that is nothing but them, "8 6.5".

    `None` where one of them is missing, on another scale or outside of it.

    Args:
        text: the reply.
        out_of: the best grade; the worst is 1.
    """
    sides = {"AB"["AB12".index(one["side"].upper()) % 2]: one for one in SIDE.finditer(plain(text))}
    if any(one["of"] not in (None, str(out_of)) for one in sides.values()):
        return None
    pair = (float(sides["A"]["value"]), float(sides["B"]["value"])) if len(sides) == 2 else None
    pair = pair or (None if sides else scores(text))
    return pair if pair and all(1 <= value <= out_of for value in pair) else None


def decision(text: str) -> tuple[bool, int] | None:
    """The decision that a reply ends in, as `True` for "Refine: yes", and where its word begins; `None` where there is none."""
    found = [*DECISION.finditer(text)]
    return (found[-1][1].casefold() == "yes", found[-1].start(1)) if found else None


def outlook(text: str) -> str | None:
    """What a judge says of a beginning, "sure", "likely" or "impossible", as in "Judgement: likely"; a last line that is nothing but the
    word is read, too. `None` where there is neither.
    """
    found = OUTLOOK.findall(text)
    last = text.strip().rpartition("\n")[2].strip(AROUND).casefold()
    return found[-1].casefold() if found else last if last in OUTLOOKS else None


def selection(text: str, candidates: int) -> int | None:
    """Index of the response that a reply names last, as 1 for "Most consistent: Response 2"; `None` where it names none that
    there is.

    Args:
        text: the reply.
        candidates: how many responses it was shown; they are numbered from 1.
    """
    numbers = [int(number) for number in RESPONSE.findall(text)]
    named = [number for number in numbers if 1 <= number <= candidates]
    return named[-1] - 1 if named else None
