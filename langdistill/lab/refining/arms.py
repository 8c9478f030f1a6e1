"""Ways to refine, told apart by who doubts, how many are refined, and who is trusted; what each comes to.

A run refines every question that has a decision and keeps all of it, so one run tells what any threshold would have come to:
first answer, doubt and refinement do not depend on what is done with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from langdistill.evaluation.sweep import Case, Sweep, sweep
from langdistill.records import Record

Refine = Literal["none", "all", "doubted", "wrong"]
"""What is refined: nothing, everything, what the asker doubts enough, or what is really wrong."""


class Refined(Record):
    """What became of a question in a run."""

    problem: str
    doubt: float | None
    first: bool
    """Whether the first answer is right."""
    refined: bool | None
    """Whether the refined one is; `None` where there is none, or it says the same."""
    scores: tuple[float, float] | None
    right: bool
    """Whether the answer that the graph gave is."""
    spent: dict[str, tuple[int, int]]
    """Completions and generated tokens of each step."""

    @property
    def case(self) -> Case:
        """For a sweep."""
        return Case(self.problem, self.doubt, self.first, self.refined, self.scores)


Run = Sequence[Refined]


@dataclass(frozen=True)
class Arm:
    """A way to refine."""

    said: str
    """What it is, in a table."""
    refine: Refine = "doubted"
    doubts: str | None = None
    """The run whose asker doubts; `None` where nobody is asked."""
    refinements: str = "trained"
    """The run whose refinements and scores are taken."""
    recent: bool = False
    """Whether the refined answer is trusted whatever its score."""


ARMS = {
    "initial": Arm("first answer", refine="none", refinements="always"),
    "always_recent": Arm("refine always, most recent", refine="all", refinements="always", recent=True),
    "always_self": Arm("refine always, self", refine="all", refinements="always_judged"),
    "always_truster": Arm("refine always, Truster", refine="all", refinements="always"),
    "zero_shot": Arm("zero-shot asker, Truster", doubts="zero_shot", refinements="zero_shot"),
    "asked_recent": Arm("Asker's sub-questions, refine always, most recent", refine="all", doubts="trained", recent=True),
    "asked_truster": Arm("Asker's sub-questions, refine always, Truster", refine="all", doubts="trained"),
    "art_recent": Arm("ART, most recent", doubts="trained", recent=True),
    "art_self": Arm("ART, self", doubts="trained", refinements="trained_judged"),
    "art": Arm("ART: Asker and Truster", doubts="trained"),
    "art_without": Arm("ART without sub-questions", doubts="trained", refinements="always"),
    "oracle": Arm("oracle asker, Truster (reads gold answers)", refine="wrong", doubts="trained"),
}  # fmt: skip

RUNS = ("trained", "trained_judged", "always", "always_judged", "zero_shot")
"""Who doubts and, unless a ranker does, who trusts."""


def cases(arm: Arm, runs: Mapping[str, Run]) -> list[Case]:
    """Of a sweep over the arm's threshold."""
    doubts = {one.problem: one.doubt for one in runs[arm.doubts]} if arm.doubts else {}
    found = [replace(one.case, doubt=doubts.get(one.problem)) for one in runs[arm.refinements]]
    return [replace(one, scores=None) for one in found] if arm.recent else found


def threshold_on(arm: Arm, runs: Mapping[str, Run]) -> float | None:
    """The threshold that is best on these runs, for those of other questions."""
    return sweep(cases(arm, runs)).recommended.threshold


def outcome(arm: Arm, runs: Mapping[str, Run], threshold: float | None) -> dict[str, Any]:
    """Accuracy, share refined, what refining mended and spoilt, completions and tokens a question."""
    found = cases(arm, runs)
    chosen = [one for one in found if _is_refined(arm, one, threshold)]
    gained = sum(one.trusted and not one.first for one in chosen)
    lost = sum(one.first and not one.trusted for one in chosen)
    return {
        "accuracy": (sum(one.first for one in found) + gained - lost) / len(found),
        "refined": len(chosen) / len(found),
        "wrong_to_right": gained / len(found),
        "right_to_wrong": lost / len(found),
        **_spent(arm, runs, {one.problem for one in chosen}),
    }


def curve(arm: Arm, runs: Mapping[str, Run]) -> Sweep:
    """Accuracy at every threshold."""
    return sweep(cases(arm, runs))


def _is_refined(arm: Arm, one: Case, threshold: float | None) -> bool:
    match arm.refine:
        case "none":
            return False
        case "all":
            return True
        case "wrong":
            return not one.first
        case "doubted":
            return threshold is not None and one.doubt is not None and one.doubt >= threshold


def _spent(arm: Arm, runs: Mapping[str, Run], refined: set[str]) -> dict[str, float]:
    """Completions and generated tokens a question. A ranker generates nothing; what it reads is not counted here."""
    own = {one.problem: one.spent for one in runs[arm.refinements]}
    asked = {one.problem: one.spent for one in runs[arm.doubts]} if arm.doubts else {}
    steps = [spent["answer"] for spent in own.values()] + [
        spent["doubt"] for spent in asked.values() if "doubt" in spent
    ]
    later = ("refine",) if arm.recent else ("refine", "trust")
    steps += [spent[step] for problem, spent in own.items() if problem in refined for step in later if step in spent]
    return {what: sum(one[at] for one in steps) / len(own) for at, what in enumerate(("completions", "tokens"))}
