"""Ways to refine, told apart by who doubts, how much is refined, and who is trusted; what each comes to.

First answer, doubt and refinement do not depend on what is done with them, so one run that refines everything tells what every way of
its asker and truster comes to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from langdistill.evaluation.refining import Tried, cases
from langdistill.evaluation.sweep import Case, Point, Sweep, sweep

RUNS = ("trained", "always", "always_judged", "zero_shot")
"""Runs by their asker; the judge is trusted in those that say so, the truster's ranker in the others."""

Refine = Literal["none", "all", "doubted", "wrong"]
"""What is refined: nothing, whatever the asker decides on, what it doubts enough, or what is really wrong."""

Runs = Mapping[str, Mapping[str, Tried]]
"""By run, what became of each problem."""


@dataclass(frozen=True)
class Arm:
    """A way to refine."""

    said: str
    """What it is, in a table."""
    run: str = "trained"
    """That its refinements are of."""
    refine: Refine = "doubted"
    most_recent: bool = False
    """Whether the refinement is trusted, whatever its score."""
    doubts: str | None = None
    """The run whose asker doubts, where it is another."""

    def sweep(self, runs: Runs, gold: Mapping[str, str]) -> Sweep:
        """Every threshold of it.

        Args:
            runs: of the same problems.
            gold: problem to the right answer.
        """
        found = cases(runs[self.run], gold, most_recent=self.most_recent)
        if self.doubts:
            doubts = {one.problem: one for one in cases(runs[self.doubts], gold)}
            found = [
                replace(one, doubt=other.doubt, asking=other.asking) for one in found if (other := doubts[one.problem])
            ]
        return sweep([_known(one) for one in found] if self.refine == "wrong" else found)

    def point(self, runs: Runs, gold: Mapping[str, str], threshold: float | None) -> Point:
        """What it comes to; the threshold is that of an arm that has one."""
        found = self.sweep(runs, gold)
        match self.refine:
            case "none":
                return found.nothing
            case "all":
                return found.everything
            case "wrong":
                return found.at(1.0)
            case "doubted":
                return found.at(threshold)


ARMS = {
    "initial": Arm("first answer", "always", "none"),
    "always_recent": Arm("refine always, most recent", "always", "all", most_recent=True),
    "always_self": Arm("refine always, self", "always_judged", "all"),
    "always_truster": Arm("refine always, Truster", "always", "all"),
    "zero_shot": Arm("zero-shot asker, Truster", "zero_shot"),
    "asked_recent": Arm("Asker's sub-questions, refine always, most recent", refine="all", most_recent=True),
    "asked_truster": Arm("Asker's sub-questions, refine always, Truster", refine="all"),
    "art_recent": Arm("ART, most recent", most_recent=True),
    "art": Arm("ART: Asker and Truster"),
    "without_recent": Arm("ART without sub-questions, most recent", "always", most_recent=True, doubts="trained"),
    "without": Arm("ART without sub-questions", "always", doubts="trained"),
    "oracle_recent": Arm("oracle asker (knows the right answers), most recent", refine="wrong", most_recent=True),
    "oracle": Arm("oracle asker (knows the right answers), Truster", refine="wrong"),
}


def _known(case: Case) -> Case:
    return replace(case, doubt=float(not case.first))
