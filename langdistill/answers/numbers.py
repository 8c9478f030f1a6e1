"""Numbers: read exactly, told in one spelling."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from langdistill.answers.marked import places
from langdistill.answers.tex import plain

LONGEST = 300
"""Digits of a number, and the size of an exponent; what is longer is no answer that anyone meant as a number."""

MOST_TRIES = 1000
"""Of the last numbers of a reply, in search of one that can be read."""

DIGITS = r"(?:(?:\d{1,3}(?:,\d{3})++(?!,?\d)|\d++)(?:\.\d++)?+|\.\d++)"
OTHER = r"(?<!\d)\d++(?:(?:\.\d++){2,}+|(?:/\d++){2,}+|(?:-\d++){2,}+|(?::\d++)++|(?:,\d\d(?!\d))++,\d{3}(?![\d,]))"
"""Versions, dates, phone numbers, times, groups of two digits: no numbers, or none that can be told from several."""
NUMBER = re.compile(
    rf"(?P<other>{OTHER})"
    r"|(?P<sign>(?<![\w)\]}])[-+])?(?:(?P<currency>[$€£¥₹])(?P<minus>-)?)?(?<![A-Za-z\d_^.])"
    rf"(?!{OTHER})(?:(?P<units>\d++) (?=\d++/\d))?+(?P<top>{DIGITS})(?: ?/ ?(?P<bottom>{DIGITS}))?+"
    r"(?: ?[x×*·] ?10\^\{?(?P<power>[-+]?\d++)\}?|[eE](?P<e>[-+]?\d++)(?!\w))?+"
    r"(?P<percent> ?(?:%|percent\b))?+",
    re.IGNORECASE,
)
"""Possessive wherever it repeats: no text makes it backtrack."""
LEADING_ZERO = re.compile(r"0\d")
EQUALS = re.compile("[=≈]")


class Number(NamedTuple):
    """A number that was read."""

    value: Fraction
    percent: bool

    def __str__(self) -> str:
        return spelled(self.value) + ("%" if self.percent else "")


def number(text: str) -> str | None:
    r"""The number a reply ends in: "1234.5" for "$1,234.50", "0.5" for "1/2" and ``\frac{1}{2}``, "1/3", "-4", "50%".

    The first number behind the last "=" of the last place that the reply marks (see `final_answer`) and that holds a number;
    without one, the last number of the reply. Currency, units and thousands commas are dropped; mixed, LaTeX
    and scientific numbers are read; a per cent stays one, so "50%" is neither "50" nor "0.5". Dates, times, versions,
    "1,00,000" and
    phone numbers are no numbers, nor are words ("five"). A comma is a thousands comma or separates two numbers, never a
    decimal one.
    """
    for place in places(text):
        for part in reversed(EQUALS.split(place)):
            if found := next(_numbers(NUMBER.finditer(plain(part))), None):
                return str(found)
    last = next(_numbers(reversed(deque(NUMBER.finditer(plain(text)), maxlen=MOST_TRIES))), None)
    return str(last) if last else None


def whole_number(text: str) -> Number | None:
    """The number that a text is and nothing else, in its own notation: "007", "€5" and "1e3" are none here."""
    match = NUMBER.fullmatch(text)
    if not match or match["currency"] not in (None, "$") or match["power"] or match["e"]:
        return None
    if LEADING_ZERO.match(match["top"] or "") or LEADING_ZERO.match(match["bottom"] or ""):
        return None
    return _read(match)


def spelled(value: Fraction) -> str:
    """A decimal where a finite one exists, else a fraction in lowest terms."""
    twos, rest = _power_in(value.denominator, 2)
    fives, rest = _power_in(rest, 5)
    if rest != 1:
        return str(value)
    places = max(twos, fives)
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    whole = digits[: len(digits) - places]
    return ("-" if value < 0 else "") + (f"{whole}.{digits[-places:]}" if places else whole)


def _numbers(matches: Iterator[re.Match[str]]) -> Iterator[Number]:
    return (found for match in matches if (found := _read(match)))


def _read(match: re.Match[str]) -> Number | None:
    exponent = match["power"] or match["e"] or "0"
    parts = [match["units"] or "0", match["top"] or "", match["bottom"] or "1"]
    if (
        match["other"]
        or any(len(part) > LONGEST for part in parts)
        or len(exponent) > 4
        or abs(int(exponent)) > LONGEST
    ):
        return None
    units, top, bottom = (Fraction(part.replace(",", "")) for part in parts)
    if not bottom:
        return None
    sign = -1 if "-" in (match["sign"], match["minus"]) else 1
    return Number(sign * (units + top / bottom) * Fraction(10) ** int(exponent), bool(match["percent"]))


def _power_in(value: int, prime: int) -> tuple[int, int]:
    """How often a prime divides a value, and what is left."""
    power = 0
    while value % prime == 0:
        value, power = value // prime, power + 1
    return power, value
