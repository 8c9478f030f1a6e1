"""What k of a problem's samples would come to, for every k: by majority, and with any of them right.

Both are expectations over all ways to draw k of the samples that there are, computed exactly; nothing is resampled. A curve
over k from one run is thus unbiased, and needs no second one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from math import comb

from langdistill.answers import normalise

Group = tuple[int, int]
"""Samples that give one answer, and those of them that were graded right."""


def majority(answers: Sequence[str | None], right: Sequence[bool], k: int) -> float:
    """The chance that the majority of k samples is right (Wang et al., 2203.11171).

    Answers are counted as in `votes`: by their normalised spelling, no answer being no vote. Answers that share the lead share
    the chance, as they do where a tie goes to the one sampled first and samples come in any order.

    Args:
        answers: of all samples of a problem, `None` for one without.
        right: whether each is right.
        k: samples that vote, from 1 to all of them.
    """
    votes: dict[str, list[bool]] = defaultdict(list)
    for answer, graded in zip(answers, right, strict=True):
        if answer is not None:
            votes[normalise(answer)].append(graded)
    groups = sorted((len(graded), sum(graded)) for graded in votes.values())
    return _majority(tuple(groups), len(answers), k)


def passed(right: int, samples: int, k: int) -> float:
    """The chance that at least one of k samples is right: pass@k (Chen et al., 2107.03374, section 2.1).

    Args:
        right: samples that are.
        samples: all samples of the problem.
        k: from 1 to all of them.
    """
    return 1 - comb(samples - right, k) / comb(samples, k)


@lru_cache(maxsize=4096)
def _majority(groups: tuple[Group, ...], samples: int, k: int) -> float:
    """Over the votes that lead: the share of draws in which these lead, times how right their leaders are."""
    silent = samples - sum(count for count, _ in groups)
    total = sum(_led_by(groups, silent, k, lead) for lead in range(1, k + 1))
    return total / comb(samples, k)


def _led_by(groups: tuple[Group, ...], silent: int, k: int, lead: int) -> float:
    """Draws whose leaders have exactly that many votes, each counted by the share of the leaders that is right.

    State: votes drawn and leaders among them, to the number of such draws and the sum of how right their leaders are.
    """
    states: dict[tuple[int, int], tuple[float, float]] = {(0, 0): (1, 0)}
    for count, good in groups:
        after: dict[tuple[int, int], tuple[float, float]] = defaultdict(lambda: (0, 0))
        for (drawn, leaders), (ways, rightness) in states.items():
            for votes in range(min(count, lead, k - drawn) + 1):
                leads = votes == lead
                ways_here, at = comb(count, votes), (drawn + votes, leaders + leads)
                added = rightness + leads * ways * good / count
                before = after[at]
                after[at] = before[0] + ways_here * ways, before[1] + ways_here * added
        states = after
    return sum(
        rightness / leaders * comb(silent, k - drawn) for (drawn, leaders), (_, rightness) in states.items() if leaders
    )
