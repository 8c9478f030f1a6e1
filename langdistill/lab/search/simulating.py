"""Candidates without any model: what a way of choosing makes of a second model that keeps right ones and wrong ones so often.

Each question has its own chance to be answered rightly, drawn from a Beta(1.5, 1); there are three wrong answers, and each candidate
has the reward 1. The second model keeps a candidate or not.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import NamedTuple

from langdistill.search.choosing import Checked, Trace, choose, majority

RIGHT = "0"
WRONG = ("1", "2", "3")
ANY = 1e-9
"""A candidate that was kept by chance at all is verified."""


class Simulation(NamedTuple):
    """A setting."""

    candidates: int
    keeps_right: float
    keeps_wrong: float


STRONG, WEAK = Simulation(16, 0.8, 0.45), Simulation(16, 0.6, 0.5)
SIMULATIONS = (STRONG, WEAK, Simulation(6, 0.6, 0.4), Simulation(6, 0.8, 0.3))


def simulated(setting: Simulation, draws: int, rng: Random) -> dict[str, float]:
    """Accuracy by the majority, by each score, and by the authors' sum where gold leaks into it (4.4 of the analysis)."""
    right = Counter[str]()
    for _ in range(draws):
        right.update(name for name, answer in _chosen(setting, rng).items() if answer == RIGHT)
    return {name: right[name] / draws for name in ("majority", "repo", "product", "smoothed", "leak")}


def _chosen(setting: Simulation, rng: Random) -> dict[str, str | None]:
    chance = rng.betavariate(1.5, 1)
    answers = [RIGHT if rng.random() < chance else rng.choice(WRONG) for _ in range(setting.candidates)]
    kept = [rng.random() < (setting.keeps_right if one == RIGHT else setting.keeps_wrong) for one in answers]
    checked = [
        Checked(Trace(at, (), answer, 1.0, 1.0), int(keep), 1)
        for at, (answer, keep) in enumerate(zip(answers, kept, strict=True))
    ]
    found = {
        "majority": _told(majority([one.trace for one in checked])),
        "repo": _told(choose(checked, score="repo")),
        "product": _told(choose(_by_answer(checked), agree=ANY)),
        "smoothed": _told(choose(checked, score="smoothed")),
    }
    survived = [answer for answer, keep in zip(answers, kept, strict=True) if keep]
    leaks = len(survived) > 1 and RIGHT not in survived
    return found | {"leak": found["majority"] if leaks else found["repo"]}


def _by_answer(checked: list[Checked]) -> list[Checked]:
    """One candidate for each answer: the rewards that were kept of it, and as its confidence their share."""
    asked = Counter(one.trace.answer for one in checked)
    kept = Counter(one.trace.answer for one in checked if one.agreed)
    return [
        Checked(Trace(at, (), one, float(kept[one] or asked[one]), kept[one] / asked[one]), kept[one], asked[one])
        for at, one in enumerate(asked)
    ]


def _told(trace: Trace | None) -> str | None:
    return trace.answer if trace else None
