"""Read, normalise and compare final answers: the only place that parses an answer.

Voting, perturbation checks, filters and evaluation all pass through these three functions, so two spellings of one answer
can never be told apart in one station and confused in another. "No answer" is `None`: it is never a vote.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Extract = Callable[[str], "str | None"]
"""Reads the final answer out of a reply; `None` when there is none."""

MARKED = re.compile(r"^.*\banswer\s*(?:is|:)[ \t]*(.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
BOXED = re.compile(r"\\boxed\{([^{}]+)\}")
NUMBER = re.compile(r"[-+]?\$?\d[\d,]*(?:\.\d+)?%?")
AROUND = " \t\r\n\"'`*_“”‘’.,;:!()[]"
LONGEST_BARE_ANSWER = 60


def final_answer(text: str) -> str | None:
    """The answer a reply ends in, as written, or `None`.

    Read in this order: the last LaTeX box; the last line with "Answer: ..." or "the answer is ..."; the whole reply
    when it is a single short line, as a direct (System 1) answer is.
    """
    if boxed := BOXED.findall(text):
        return boxed[-1].strip() or None
    if marked := MARKED.findall(text):
        return marked[-1].strip(AROUND) or None
    bare = text.strip()
    if bare and "\n" not in bare and len(bare) <= LONGEST_BARE_ANSWER:
        return bare.strip(AROUND) or None
    return None


def normalise(answer: str) -> str:
    """One spelling for answers that mean the same: case, quotes, space, thousands commas and trailing zeros are dropped."""
    bare = " ".join(answer.strip(AROUND).casefold().split())
    if NUMBER.fullmatch(bare):
        number = bare.replace(",", "").replace("$", "").lstrip("+")
        percent, number = number.endswith("%"), number.rstrip("%")
        number = number.rstrip("0").rstrip(".") if "." in number else number
        return number + ("%" if percent else "")
    return bare


def same(one: str | None, other: str | None) -> bool:
    """Whether two answers mean the same; no answer is the same as nothing, not even as another missing one."""
    return one is not None and other is not None and normalise(one) == normalise(other)


def free_text(text: str) -> str | None:
    """The whole reply; `None` where it is empty."""
    return text.strip() or None
