from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.agreement import agreement


@dataclass
class Asked:
    answers: list[str | None]
    problem: str = "p"

    def variant_answers(self, perturbation: str) -> list[str | None] | None:
        return None


@pytest.mark.parametrize(
    ("answers", "share", "keep", "reason"),
    [
        (["a"] * 8, 0.5, True, "agreed"),
        (["a"] * 4 + ["b"] * 4, 0.5, False, "tied"),
        (["a"] * 4 + ["b"] * 4, 0.0, False, "tied"),
        (["a"] * 4 + ["b", "c", "d", "e"], 0.5, True, "agreed"),
        (["a"] * 5 + ["b"] * 3, 0.5, True, "agreed"),
        (["a"] * 5 + ["b"] * 3, 0.75, False, "split-vote"),
        (["a"] * 4 + ["b"] * 3 + [None], 0.5, True, "agreed"),
        (["a"] * 3 + ["b"] * 2 + [None] * 3, 0.5, False, "split-vote"),
        (["a"] * 6 + [None] * 2, 0.75, True, "agreed"),
        (["a"] * 5 + [None] * 3, 0.75, False, "split-vote"),
        ([None] * 8, 0.5, False, "no-answer"),
        ([], 0.5, None, "incomplete"),
    ],
)
def test_agreement(answers: list[str | None], share: float, keep: bool, reason: str) -> None:
    verdict = agreement(min_share=share)(Asked(answers))
    assert (verdict.keep, verdict.reason) == (keep, reason)


def test_an_incomplete_group_cannot_be_judged() -> None:
    verdict = agreement(min_n=8)(Asked(["a"] * 7))
    assert (verdict.keep, verdict.reason) == (None, "incomplete")


def test_what_a_majority_filter_does_to_simulated_teachers() -> None:
    """Rows of the simulated table: errors that scatter are voted out, a common wrong answer is voted in."""

    def precision(accuracy: float, alternatives: int) -> tuple[float, float]:
        rng, kept, right = Random(0), 0, 0
        for _ in range(4000):
            answers = ["right" if rng.random() < accuracy else f"wrong {rng.randrange(alternatives)}" for _ in range(8)]
            verdict = agreement(min_share=0.51)(Asked(answers))
            kept += bool(verdict.keep)
            right += bool(verdict.keep) and verdict.evidence["votes"].get("right", 0) > 4
        return kept / 4000, right / kept

    assert precision(0.445, 50) == (pytest.approx(0.249, abs=0.03), pytest.approx(1.0, abs=0.01))
    assert precision(0.445, 1) == (pytest.approx(0.738, abs=0.03), pytest.approx(0.341, abs=0.03))
    assert precision(0.77, 1) == (pytest.approx(0.931, abs=0.03), pytest.approx(0.980, abs=0.01))


@pytest.mark.parametrize("share", [75, 2, -0.1])
def test_a_share_that_is_none(share: float) -> None:
    with pytest.raises(DatasetError, match="no share"):
        agreement(min_share=share)
