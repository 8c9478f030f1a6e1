"""Read, normalise and compare final answers: the only place that parses an answer.

Voting, perturbation checks, filters and evaluation all pass through these three functions, so two spellings of one answer
can never be told apart in one station and confused in another. "No answer" is `None`: it is never a vote.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

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


class Vote(NamedTuple):
    """The outcome of a vote over candidate answers."""

    answer: str | None
    """The leading answer in its first spelling; `None` when nobody voted or the lead is tied."""
    share: float
    """The leader's votes divided by all candidates, those without an answer included; 0 when nobody voted."""
    margin: float
    """The leader's share minus the runner-up's."""
    votes: dict[str, int]
    """Votes per normalised answer, most first, equal ones in order of first appearance."""
    candidates: int
    """How many were asked, answered or not."""

    @property
    def tied(self) -> bool:
        """Whether at least two answers share the lead."""
        return len(self.votes) > 1 and self.margin == 0


def vote(answers: Iterable[str | None]) -> Vote:
    """Plurality over normalised answers (Wang et al., 2203.11171). A tied lead elects nobody: the caller's rule decides."""
    asked = list(answers)
    given = [answer for answer in asked if answer is not None]
    counts = Counter(normalise(answer) for answer in given)
    ranked = counts.most_common()
    if not ranked:
        return Vote(None, 0.0, 0.0, {}, len(asked))
    first, second = ranked[0][1], ranked[1][1] if len(ranked) > 1 else 0
    leader = None if first == second else next(a for a in given if normalise(a) == ranked[0][0])
    return Vote(leader, first / len(asked), (first - second) / len(asked), dict(ranked), len(asked))
