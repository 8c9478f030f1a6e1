"""Read, normalise and compare final answers: the only place that parses an answer.

Voting, perturbation checks, filters and evaluation all pass through this package, so two spellings of one answer can never be
told apart in one station and confused in another. "No answer" is `None`: it is never a vote.

An extractor (`Extract`) reads a reply and returns its answer in one spelling for answers of one meaning, or `None`. Every kind of
answer is one: `final_answer` (as written), `number`, `choice`, `yes_no`, `verdict`, `letters`, `json_answer`, `code_block`,
`free_text`, `maths`. docs/answers.md holds the rules and how well they read real replies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from langdistill.answers.choices import choice
from langdistill.answers.documents import code_block, free_text, json_answer
from langdistill.answers.formulas import maths
from langdistill.answers.joined_letters import letters
from langdistill.answers.marked import Extract, final_answer
from langdistill.answers.numbers import number
from langdistill.answers.spelling import normalise, same
from langdistill.answers.verdicts import scores, swapped, verdict
from langdistill.answers.yes_or_no import yes_no

__all__ = [
    "Extract",
    "Vote",
    "choice",
    "code_block",
    "final_answer",
    "free_text",
    "json_answer",
    "letters",
    "maths",
    "normalise",
    "number",
    "same",
    "scores",
    "swapped",
    "verdict",
    "vote",
    "yes_no",
]


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
