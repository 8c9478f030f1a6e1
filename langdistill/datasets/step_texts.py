"""What the steps of a recorded search say as parts of one solution: the answer is marked once, at the end.

A search asks for an answer after many a step: a sub-question ends in "Answer: 23" as the problem does. Whoever learns the whole, or
reads its answer, must find one such line and no other.
"""

from __future__ import annotations

import re

from langdistill.answers import same
from langdistill.answers.lines import lines
from langdistill.answers.marked import AROUND, MARK, bare
from langdistill.answers.thinking import thought_and_said

ANSWER = "Answer: {}"
"""The line that a solution ends in."""
LEAD = re.compile(r"(?:(?:so|thus|therefore|hence|and|the|my|our|final)\b|[^\w#])*+", re.IGNORECASE)
"""What may stand before the mark of a line that says nothing but the answer."""


def inner_step(text: str) -> str:
    """A step on the way, its lines joined; the answer to a sub-question stays, told once and without its mark."""
    return "\n".join(_unmarked(lines(thought_and_said(text)[1])))


def last_step(text: str, answer: str) -> str:
    """A step that comes to the answer: what it says before, and then the line of the answer, once."""
    told = lines(thought_and_said(text)[1])
    cuts = [at for at, line in enumerate(told) if _marks(line)]
    told = told[: cuts[-1]] if cuts else told
    while told and _says_only(told[-1], answer):
        told.pop()
    return "\n".join([*_unmarked(told), ANSWER.format(answer)])


def without_answer(steps: tuple[str, ...], answer: str) -> str | None:
    """The reasoning of a solution alone; `None` where its answer is all that it says."""
    return "\n".join(steps).removesuffix(ANSWER.format(answer)).strip() or None


def _unmarked(told: list[str]) -> list[str]:
    """The lines without marks; a marked answer that the line before ends in is not told again."""
    said = list[str]()
    for line in told:
        plain = _without_mark(line)
        if plain and (plain == line or not said or not _ends_in(said[-1], plain)):
            said.append(plain)
    return said


def _without_mark(line: str) -> str:
    while mark := _marks(line):
        line = bare(line[mark.end() :])
    return line


def _ends_in(line: str, answer: str) -> bool:
    before, found, after = bare(line).rpartition(answer)
    return bool(found) and not after and not before[-1:].isalnum() and before[-1:] not in (".", ",")


def _marks(line: str) -> re.Match[str] | None:
    """The mark of a line like "Answer: 23", "**Final answer:** 23" or "#### 23"; a sentence that speaks of the answer is none."""
    mark = _mark(line)
    return mark if mark and mark[0][-1] in ":#" else None


def _says_only(line: str, answer: str) -> bool:
    """Whether it is a sentence of the answer and nothing else: "So the answer is 23."."""
    mark = _mark(line)
    return mark is not None and (bool(_marks(line)) or same(line[mark.end() :].strip(AROUND), answer))


def _mark(line: str) -> re.Match[str] | None:
    lead = LEAD.match(line)
    return MARK.match(line, lead.end() if lead else 0)
