from __future__ import annotations

import pytest

from langdistill.lab.refining.arms import ARMS, RUNS, Arm, Refined, cases, outcome, threshold_on


def one(problem: str, doubt: float | None, first: bool, refined: bool | None, scores: tuple[float, float] | None = None,
        trust: bool = False) -> Refined:  # fmt: skip
    spent = {"answer": (1, 40), "refine": (1, 50)} | ({"doubt": (1, 60)} if doubt is not None else {})
    return Refined(problem=problem, doubt=doubt, first=first, refined=refined, scores=scores, right=first,
                   spent=spent | ({"trust": (2, 10)} if trust else {}))  # fmt: skip


RUN = {
    "trained": [
        one("mended", 0.9, False, True, (0.0, 1.0)),
        one("distrusted", 0.8, True, False, (1.0, 0.0)),
        one("the same", 0.3, True, None),
        one("spoilt", 0.2, True, False, (0.0, 1.0)),
    ],
    "always": [
        one("mended", None, False, True, (0.0, 1.0), trust=True),
        one("distrusted", None, True, True, (1.0, 0.0)),
        one("the same", None, True, None),
        one("spoilt", None, True, False, (0.0, 1.0)),
    ],
}


@pytest.mark.parametrize(
    ("arm", "threshold", "expected"),
    [
        ("initial", None, (0.75, 0.0, 0.0, 0.0, 1.0, 40.0)),
        ("always_recent", None, (0.75, 1.0, 0.25, 0.25, 2.0, 90.0)),
        ("always_truster", None, (0.75, 1.0, 0.25, 0.25, 2.5, 92.5)),
        ("asked_recent", None, (0.5, 1.0, 0.25, 0.5, 3.0, 150.0)),
        ("art", 0.8, (1.0, 0.5, 0.25, 0.0, 2.5, 125.0)),
        ("art_recent", 0.8, (0.75, 0.5, 0.25, 0.25, 2.5, 125.0)),
        ("art_without", 0.8, (1.0, 0.5, 0.25, 0.0, 3.0, 127.5)),
        ("art", None, (0.75, 0.0, 0.0, 0.0, 2.0, 100.0)),
        ("oracle", None, (1.0, 0.25, 0.25, 0.0, 2.25, 112.5)),
    ],
)
def test_what_an_arm_comes_to(arm: str, threshold: float | None, expected: tuple[float, ...]) -> None:
    found = outcome(ARMS[arm], RUN, threshold)
    assert tuple(found.values()) == pytest.approx(expected)
    assert list(found) == ["accuracy", "refined", "wrong_to_right", "right_to_wrong", "completions", "tokens"]


def test_the_threshold_that_is_best_for_an_arm() -> None:
    assert threshold_on(ARMS["art"], RUN) == 0.9
    assert threshold_on(Arm("nothing is mended", doubts="trained"), {"trained": RUN["trained"][1:]}) is None


def test_doubts_may_be_of_another_run_than_refinements() -> None:
    assert [one.doubt for one in cases(ARMS["art_without"], RUN)] == [0.9, 0.8, 0.3, 0.2]
    assert {one.scores for one in cases(ARMS["art_recent"], RUN)} == {None}


def test_every_arm_is_of_runs_that_are_made() -> None:
    used = {name for arm in ARMS.values() for name in (arm.doubts, arm.refinements) if name}
    assert used == set(RUNS)
