from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from langdistill.errors import DatasetError, UnknownName
from langdistill.filters.agreement import agreement
from langdistill.filters.finding import find_filter
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


SWAPPED = Perturbation("swapped", lambda question, random: question, flip)


@pytest.mark.parametrize(
    ("answers", "keep", "reason"),
    [
        (["1"] * 4 + ["2"] * 4, False, "tied"),
        (["1"] * 5 + ["2"] * 3, True, "agreed"),
        (["1"] * 4 + ["2"] * 3 + [None], True, "agreed"),
        (["1"] * 3 + ["2"] * 2 + [None] * 3, False, "split-vote"),
        ([None] * 8, False, "no-answer"),
        ([], None, "incomplete"),
    ],
)
def test_agreement(answers: list[str | None], keep: bool | None, reason: str) -> None:
    verdict = agreement()(Asked(answers))
    assert (verdict.keep, verdict.reason) == (keep, reason)


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


def test_names_and_bad_settings() -> None:
    assert find_filter("agreement")().name == "agreement"
    assert SWAPPED.apply("q", Random(0)) == "q"
    with pytest.raises(UnknownName, match="agreement"):
        find_filter("nothing")
    with pytest.raises(DatasetError):
        agreement(min_share=2)
    with pytest.raises(DatasetError):
        stable_under()
