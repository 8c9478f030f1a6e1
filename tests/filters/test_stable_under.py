from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.stable_under import Perturbation, stable_under


@dataclass
class Asked:
    answers: list[str | None]
    variants: dict[str, list[str | None]] = field(default_factory=dict)
    problem: str = "p"

    def variant_answers(self, perturbation: str) -> list[str | None] | None:
        return self.variants.get(perturbation)


def flip(answer: str) -> str:
    return {"A": "B", "B": "A"}.get(answer, answer)


SWAPPED = Perturbation("swapped", lambda question, rng: question, flip)
REWORDED = Perturbation("reworded", lambda question, rng: question)


@pytest.mark.parametrize(
    ("original", "swapped", "keep", "reason"),
    [
        (["A"], ["B"], True, "stable"),
        (["A"], ["A"], False, "unstable"),
        (["tie"], ["tie"], True, "stable"),
        (["A", "B"], ["B"], False, "tied"),
        (["A"], ["A", "B"], False, "tied"),
    ],
)
def test_stable_under(original: list[str | None], swapped: list[str | None], keep: bool, reason: str) -> None:
    verdict = stable_under(SWAPPED)(Asked(original, {"swapped": swapped}))
    assert (verdict.keep, verdict.reason) == (keep, reason)


def test_a_question_never_asked_another_way_cannot_be_judged() -> None:
    verdict = stable_under(SWAPPED)(Asked(["A"]))
    assert (verdict.keep, verdict.reason) == (None, "no-variant")


def test_a_judge_that_always_says_a_is_dropped_and_an_order_blind_one_kept() -> None:
    judge = stable_under(SWAPPED)
    biased = [judge(Asked(["A"], {"swapped": ["A"]})) for _ in range(20)]
    blind = [judge(Asked([side], {"swapped": [other]})) for side, other in ("AB", "BA") * 10]
    assert not any(verdict.keep for verdict in biased)
    assert all(verdict.keep for verdict in blind)


def test_several_perturbations() -> None:
    both = stable_under(REWORDED, SWAPPED)
    assert both(Asked(["A", "A"], {"reworded": ["a"], "swapped": ["B"]})).keep
    assert both(Asked(["A"], {"reworded": ["B"], "swapped": ["B"]})).reason == "unstable"
    assert both(Asked(["A"], {"reworded": ["A"]})).keep is None
    assert both(Asked(["A", "B"], {})).reason == "tied"
    assert both(Asked(["A"], {"reworded": [None], "swapped": ["B"]})).reason == "unstable"


def test_no_perturbation_at_all() -> None:
    with pytest.raises(DatasetError, match="at least one"):
        stable_under()
