"""One spelling for answers that mean the same."""

from __future__ import annotations

from functools import lru_cache

from langdistill.answers.marked import bare
from langdistill.answers.numbers import whole_number

SHORT = 200
"""Characters of an answer whose spelling is remembered: votes compare the same few answers again and again."""


def normalise(answer: str) -> str:
    """One spelling for answers that mean the same: what a vote counts by.

    Case, space and the quotes, emphasis, punctuation and brackets around an answer are dropped. A number is read exactly:
    "$1,234.50" is "1234.5", "1/2" is "0.5", "2/6" is "1/3"; "50%" stays a per cent. What only looks like a number stays as
    it is: dates, times, versions, phone numbers, "007". Of an answer of several lines, such as code, only the space at the
    ends of lines is dropped.
    """
    return _spelt(answer) if len(answer) <= SHORT else _spell(answer)


def _spell(answer: str) -> str:
    whole = "\n".join(line.rstrip() for line in answer.splitlines()).strip("\n")
    if "\n" in (told := bare(whole)):
        return whole
    short = bare(" ".join(told.casefold().split()))
    found = whole_number(short.replace("−", "-"))
    return str(found) if found else short


_spelt = lru_cache(maxsize=4096)(_spell)


def same(one: str | None, other: str | None) -> bool:
    """Whether two answers mean the same; no answer is the same as nothing, not even as another missing one."""
    return one is not None and other is not None and normalise(one) == normalise(other)
