from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from random import Random

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.agreement import agreement
from langdistill.groups import grouped
from langdistill.records import Call, Reply, Trace


@dataclass
class Asked:
    answers: list[str | None]
    problem: str = "p"


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


SIMULATED = [
    (0.30, 50, 0.059, 1.00, 0.718),
    (0.445, 50, 0.249, 1.00, 0.916),
    (0.77, 50, 0.912, 1.00, 0.999),
    (0.445, 4, 0.259, 0.971, 0.725),
    (0.445, 1, 0.738, 0.341, 0.382),
    (0.56, 1, 0.743, 0.675, 0.630),
    (0.77, 1, 0.931, 0.980, 0.947),
]
"""A teacher's accuracy, and over how many wrong answers its errors scatter; then, of 8 samples: how many problems a strict majority
keeps, how many of the kept labels are right, and how many a plurality gets right that breaks ties by chance."""


@cache
def decided(tally: tuple[int, ...]) -> tuple[bool, list[int]]:
    """What the real filter says of eight recorded samples that vote so, and which answers lead; each tally is judged once."""
    spelt = [f"answer {at}" for at, count in enumerate(tally) for _ in range(count)]
    calls = [
        Call(
            id=str(at), candidate=True, replies=[Reply(message={"role": "assistant", "content": f"So.\nAnswer: {one}"})]
        )
        for at, one in enumerate(spelt)
    ]
    [group] = grouped([Trace(id="t", calls=calls, metadata={"problem": "p"})])
    verdict = agreement(min_share=0.5, strict=True)(group)
    assert verdict.score == max(tally) / 8
    ahead = [int(one.split()[1]) for one, votes in group.votes.items() if votes == max(tally)]
    assert verdict.keep is (len(ahead) == 1 and max(tally) > 4)
    return bool(verdict.keep), sorted(ahead)


@pytest.mark.parametrize(("accuracy", "wrong", "kept", "right", "plurality"), SIMULATED)
def test_what_a_majority_filter_does_to_simulated_teachers(
    accuracy: float, wrong: int, kept: float, right: float, plurality: float
) -> None:
    """Errors that scatter are voted out; a common wrong answer is voted in."""
    rng, draws = Random(0), 20_000
    keeps = rights = leads = 0
    for _ in range(draws):
        drawn = Counter(0 if rng.random() < accuracy else rng.randint(1, wrong) for _ in range(8))
        names = sorted(drawn)
        keep, ahead = decided(tuple(drawn[one] for one in names))
        winner = names[rng.choice(ahead)]
        keeps += keep
        rights += keep and winner == 0
        leads += winner == 0
    found = keeps / draws, rights / keeps, leads / draws
    assert found == (pytest.approx(kept, abs=0.01), pytest.approx(right, abs=0.01), pytest.approx(plurality, abs=0.01))


def test_a_tie_is_one_in_every_order() -> None:
    for order in set(permutations("aaabbb")):
        for judge in (agreement(), agreement(min_share=0.0), agreement(strict=True)):
            verdict = judge(Asked(list(order)))
            assert (verdict.keep, verdict.reason) == (False, "tied")


@pytest.mark.parametrize("share", [75, 2, -0.1])
def test_a_share_that_is_none(share: float) -> None:
    with pytest.raises(DatasetError, match="no share"):
        agreement(min_share=share)
