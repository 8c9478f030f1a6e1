from __future__ import annotations

import pytest

from langdistill.evaluation.refining import Tried
from langdistill.evaluation.results import Account
from langdistill.lab.refining.arms import ARMS, RUNS

GOLD = {"mended": "1", "distrusted": "1", "the same": "1", "spoilt": "1"}
FIRST = {"mended": "2"}
REFINED = {"mended": "1", "distrusted": "3", "spoilt": "4"}
SCORES = {"mended": (0.0, 1.0), "distrusted": (1.0, 0.0), "spoilt": (0.0, 1.0)}


def run(doubts: dict[str, float], asking: int = 0, trust: int = 0) -> dict[str, Tried]:
    """A run in which one answer is mended and two are spoilt, one of which the truster does not trust."""
    spent = {"answer": 40, "doubt": asking, "refine": 50, "trust": trust}
    calls = {node: Account(completions=1, output_tokens=tokens) for node, tokens in spent.items() if tokens}
    return {
        id: Tried(
            doubt=doubts.get(id),
            first=FIRST.get(id, "1"),
            refined=REFINED.get(id, "1"),
            scores=SCORES.get(id),
            spent=calls,
        )
        for id in GOLD
    }


DOUBTS = {"mended": 0.9, "distrusted": 0.8, "the same": 0.3, "spoilt": 0.2}
RUNS_MADE = {
    "trained": run(DOUBTS, asking=60),
    "always": run(dict.fromkeys(GOLD, 1.0)),
    "always_judged": run(dict.fromkeys(GOLD, 1.0), trust=10),
    "zero_shot": run({}, asking=60),
}


@pytest.mark.parametrize(
    ("arm", "threshold", "right", "refined", "mended", "spoilt", "completions", "tokens"),
    [
        ("initial", None, 3, 0, 0, 0, 4, 160),
        ("always_recent", None, 2, 4, 1, 2, 8, 360),
        ("always_truster", None, 3, 4, 1, 1, 8, 360),
        ("always_self", None, 3, 4, 1, 1, 12, 400),
        ("zero_shot", 0.0, 3, 0, 0, 0, 8, 400),
        ("asked_recent", None, 2, 4, 1, 2, 12, 600),
        ("art", 0.8, 4, 2, 1, 0, 10, 500),
        ("art", None, 3, 0, 0, 0, 8, 400),
        ("art_recent", 0.8, 3, 2, 1, 1, 10, 500),
        ("without", 0.8, 4, 2, 1, 0, 10, 500),
        ("without_recent", 0.8, 3, 2, 1, 1, 10, 500),
        ("oracle", None, 4, 1, 1, 0, 9, 450),
        ("oracle_recent", None, 4, 1, 1, 0, 9, 450),
    ],
)
def test_what_an_arm_comes_to(
    arm: str, threshold: float | None, right: int, refined: int, mended: int, spoilt: int, completions: int, tokens: int
) -> None:
    found = ARMS[arm].point(RUNS_MADE, GOLD, threshold)
    assert (found.right, found.refined, found.wrong_to_right, found.right_to_wrong) == (right, refined, mended, spoilt)
    assert (found.spent.completions, found.spent.output_tokens) == (completions, tokens)


def test_the_threshold_that_is_best_for_an_arm() -> None:
    assert ARMS["art"].sweep(RUNS_MADE, GOLD).recommended.threshold == 0.9
    assert ARMS["zero_shot"].sweep(RUNS_MADE, GOLD).recommended.threshold is None


def test_doubts_may_be_of_another_run_than_refinements() -> None:
    mixed = {**RUNS_MADE, "always": dict(reversed(RUNS_MADE["always"].items()))}
    found = {one.problem: one.doubt for one in ARMS["without"].sweep(mixed, GOLD).cases}
    assert found == {"mended": 0.9, "distrusted": 0.8, "the same": 0.3, "spoilt": 0.2}


def test_every_arm_is_of_runs_that_are_made() -> None:
    assert {name for arm in ARMS.values() for name in (arm.doubts, arm.run) if name} == set(RUNS)
