from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from langdistill import Perturbation, agreement, stable_under
from langdistill.errors import DatasetError, UnknownName
from langdistill.filters.finding import filter_names, find_filter


@dataclass
class Recorded:
    answers: list[str | None]
    variants: dict[str, list[str | None]] = field(default_factory=dict)
    problem: str = "p"

    def variant_answers(self, perturbation: str) -> list[str | None] | None:
        return self.variants.get(perturbation)


SWAPPED = Perturbation("swapped", lambda question, rng: question, {"A": "B", "B": "A"}.__getitem__)
REWORDED = Perturbation("reworded", lambda question, rng: question)


@pytest.mark.parametrize(
    ("answers", "share", "keep", "reason"),
    [
        (["a"] * 8, 0.5, True, "agreed"),
        (["a"] * 4 + ["b"] * 4, 0.5, False, "tied"),
        (["a"] * 4 + ["b"] * 4, 0.0, False, "tied"),
        (["a"] * 4 + ["b", "c", "d", "e"], 0.5, True, "agreed"),
        (["a"] * 5 + ["b"] * 3, 0.75, False, "split-vote"),
        (["a"] * 6 + [None] * 2, 0.75, True, "agreed"),
        (["a"] * 5 + [None] * 3, 0.75, False, "split-vote"),
        ([None, None], 0.5, False, "no-answer"),
    ],
)
def test_agreement(answers: list[str | None], share: float, keep: bool, reason: str) -> None:
    verdict = agreement(min_share=share)(Recorded(answers))
    assert (verdict.keep, verdict.reason) == (keep, reason)


def test_an_incomplete_group_cannot_be_judged() -> None:
    verdict = agreement(min_n=8)(Recorded(["a"] * 7))
    assert (verdict.keep, verdict.reason) == (None, "incomplete")


def test_a_judge_that_always_says_a_is_dropped_and_an_order_blind_one_kept() -> None:
    judge = stable_under(SWAPPED)
    biased = [judge(Recorded(["A"], {"swapped": ["A"]})) for _ in range(20)]
    blind = [judge(Recorded([side], {"swapped": [other]})) for side, other in ("AB", "BA") * 10]
    assert not any(verdict.keep for verdict in biased)
    assert all(verdict.keep for verdict in blind)


def test_stable_under() -> None:
    both = stable_under(REWORDED, SWAPPED)
    assert both(Recorded(["A", "A"], {"reworded": ["a"], "swapped": ["B"]})).keep
    assert both(Recorded(["A"], {"reworded": ["B"], "swapped": ["B"]})).reason == "unstable"
    assert both(Recorded(["A"], {"reworded": ["A"]})).keep is None
    assert both(Recorded(["A", "B"], {})).reason == "tied"
    assert both(Recorded(["A"], {"reworded": [None], "swapped": ["B"]})).reason == "unstable"


def test_what_a_majority_filter_does_to_simulated_teachers() -> None:
    """Rows of the simulated table: errors that scatter are voted out, a common wrong answer is voted in."""

    def precision(accuracy: float, alternatives: int) -> tuple[float, float]:
        rng, kept, right = Random(0), 0, 0
        for _ in range(4000):
            answers = ["right" if rng.random() < accuracy else f"wrong {rng.randrange(alternatives)}" for _ in range(8)]
            verdict = agreement(min_share=0.51)(Recorded(answers))
            kept += bool(verdict.keep)
            right += bool(verdict.keep) and verdict.evidence["votes"].get("right", 0) > 4
        return kept / 4000, right / kept

    assert precision(0.445, 50) == (pytest.approx(0.249, abs=0.03), pytest.approx(1.0, abs=0.01))
    assert precision(0.445, 1) == (pytest.approx(0.738, abs=0.03), pytest.approx(0.341, abs=0.03))
    assert precision(0.77, 1) == (pytest.approx(0.931, abs=0.03), pytest.approx(0.980, abs=0.01))


def test_bad_settings_and_names() -> None:
    with pytest.raises(DatasetError, match="no share"):
        agreement(min_share=75)
    with pytest.raises(DatasetError, match="at least one"):
        stable_under()
    assert filter_names() == ["agreement", "stable_under"]
    assert find_filter("agreement") is agreement
    with pytest.raises(UnknownName, match=r"no filter named 'agreeing'\. Known: agreement, stable_under"):
        find_filter("agreeing")
