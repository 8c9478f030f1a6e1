"""Count votes: which answer leads, by how much, and whether enough has been sampled to stop.

A vote is over normalised answers (Wang et al., 2203.11171); "no answer" is no vote. When to stop sampling is a rule of its
own: `fixed`, `adaptive_consistency` (Aggarwal et al., 2305.11860) or `early_stopping` (Li et al., 2401.10480).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb
from typing import NamedTuple

from langdistill.answers import normalise


class Vote(NamedTuple):
    """The outcome of a vote over candidate answers."""

    answer: str | None
    """The leading answer in its first spelling; `None` when nobody voted or the lead is tied."""
    share: float
    """The leader's votes divided by all candidates, those without an answer included; 0 when nobody voted."""
    margin: float
    """The leader's share minus the runner-up's."""
    votes: Mapping[str, float]
    """Votes per normalised answer, most first, equal ones in order of first appearance."""
    candidates: int
    """How many were asked, answered or not."""

    @property
    def tied(self) -> bool:
        """Whether at least two answers share the lead."""
        return len(self.votes) > 1 and self.margin == 0


def vote(answers: Iterable[str | None], weights: Sequence[float] | None = None) -> Vote:
    """Plurality over normalised answers. A tied lead elects nobody: the caller's rule decides.

    Args:
        answers: one per candidate, `None` for one without an answer.
        weights: one per candidate; `None` counts every candidate once.
    """
    asked = list(answers)
    votes: dict[str, float] = {}
    spelt: dict[str, str] = {}
    for answer, weight in zip(asked, weights or [1] * len(asked), strict=True):
        if answer is not None:
            key = normalise(answer)
            votes[key] = votes.get(key, 0) + weight
            spelt.setdefault(key, answer)
    ranked = sorted(votes.items(), key=lambda one: -one[1])
    if not ranked:
        return Vote(None, 0.0, 0.0, {}, len(asked))
    cast = sum(weights) if weights else len(asked)
    first, second = ranked[0][1], ranked[1][1] if len(ranked) > 1 else 0
    ahead = None if first == second else spelt[ranked[0][0]]
    return Vote(ahead, first / cast, (first - second) / cast, dict(ranked), len(asked))


def leader(answers: Sequence[str | None], weights: Sequence[float] | None = None) -> int | None:
    """Index of the first candidate whose answer has most votes: a tied lead goes to the one sampled first.

    `None` where nobody voted.
    """
    votes = vote(answers, weights).votes
    most = max(votes.values(), default=0)
    return next((at for at, one in enumerate(answers) if one is not None and votes[normalise(one)] == most), None)


@dataclass(frozen=True)
class Stop:
    """When to stop sampling one question."""

    name: str
    batch: int | None
    """Samples to draw before looking again; `None`: all at once."""
    enough: Callable[[Sequence[str | None]], bool] = field(repr=False)
    """Whether the answers so far settle it."""


fixed = Stop("fixed", None, lambda answers: False)
"""Draw every sample (Wang et al., 2203.11171)."""


def adaptive_consistency(confidence: float = 0.95, batch: int = 1) -> Stop:
    """Stop once the leader would stay ahead of the runner-up (Aggarwal et al., 2305.11860, the Beta criterion).

    With v1 and v2 votes for the two, the chance that the leader is the more likely answer is that a Beta(v1 + 1, v2 + 1)
    variable exceeds one half. At 0.95 the pairs that stop are (4, 0), (6, 1), (8, 2), (9, 3), (11, 4), (12, 5).

    Args:
        confidence: the chance to reach (0.95 in the paper).
        batch: samples drawn before looking again; the paper looks after each. More waste a few samples and save time.
    """

    def enough(answers: Sequence[str | None]) -> bool:
        counts = sorted(vote(answers).votes.values(), reverse=True)
        first, second = (*counts, 0, 0)[:2]
        return _stays_ahead(int(first), int(second)) >= confidence

    return Stop("adaptive_consistency", batch, enough)


def early_stopping(window: int = 5) -> Stop:
    """Stop once the answers of a whole window are the same one (Li et al., 2401.10480).

    Args:
        window: samples drawn together (5 in the paper for most tasks).
    """

    def enough(answers: Sequence[str | None]) -> bool:
        last = answers[-window:]
        return len(last) == window and vote(last).share == 1

    return Stop("early_stopping", window, enough)


def _stays_ahead(first: int, second: int) -> float:
    """P(p > 1/2) for p ~ Beta(first + 1, second + 1), exactly: the upper tail of a fair binomial."""
    tosses = first + second + 1
    return sum(comb(tosses, heads) for heads in range(first + 1)) / 2**tosses
