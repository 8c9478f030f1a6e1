from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from langdistill.errors import DatasetError
from langdistill.filters.resample_on_correct import resample_on_correct
from langdistill.groups import Group
from langdistill.records import Example
from tests.filters.agents import calls, result, row, said


def rollout(name: str, good: bool | None, errors: int, of: int = 4) -> Example:
    """A run whose tools failed so often."""
    target = []
    for at in range(of):
        text = "Error: no" if at < errors else f"seen {name}"
        target += [said(None, calls("look", id=f"c{at}")), result(text, f"c{at}")]
    return row(*target, said(name), good=good)


def rollouts(good: int, bad: int, unknown: int = 0) -> list[Example]:
    rows = [rollout(f"good {at}", True, at % 4) for at in range(good)]
    rows += [rollout(f"bad {at}", False, at % 4) for at in range(bad)]
    return rows + [rollout(f"unknown {at}", None, 0) for at in range(unknown)]


@pytest.mark.parametrize(
    ("good", "bad", "keep", "left"),
    [
        (16, 16, None, (8, 8)),
        (24, 8, None, (12, 4)),
        (30, 2, None, (14, 2)),
        (31, 1, 16, (15, 1)),
        (5, 27, None, (3, 13)),
        (2, 2, None, (2, 2)),
        (3, 1, None, (2, 1)),
        (8, 8, 100, (8, 8)),
        (8, 8, 4, (2, 2)),
    ],
)
def test_each_side_keeps_its_share(good: int, bad: int, keep: int | None, left: tuple[int, int]) -> None:
    rows = rollouts(good, bad)
    verdict = resample_on_correct(keep=keep)(Group("p", rows=tuple(rows)))
    stay = [rows[at].good for at in range(len(rows)) if at not in verdict.dropped]
    assert verdict.keep is True
    assert (stay.count(True), stay.count(False)) == left
    assert set(verdict.dropped.values()) <= {"not-drawn"}


def test_rewards_that_do_not_differ_or_are_not_there() -> None:
    filter = resample_on_correct()
    for rows in (rollouts(4, 0), rollouts(0, 4), rollouts(4, 0, 2)):
        verdict = filter(Group("p", rows=tuple(rows)))
        assert (verdict.keep, verdict.reason) == (False, "equal-reward")
    verdict = filter(Group("p", rows=tuple(rollouts(0, 0, 3))))
    assert (verdict.keep, verdict.reason) == (None, "no-rewards")
    verdict = filter(Group("p", rows=tuple(rollouts(2, 2, 1))))
    assert (verdict.keep, verdict.dropped) == (True, {4: "no-reward"})


def stays(seed: int, rows: list[Example]) -> set[str]:
    dropped = resample_on_correct(seed=seed)(Group("p", rows=tuple(rows))).dropped
    return {row.content for at, row in enumerate(rows) if at not in dropped}


def test_the_draw_depends_on_the_seed_and_the_rows_alone() -> None:
    rows = rollouts(12, 12)
    shuffled = list(rows)
    Random(3).shuffle(shuffled)
    assert stays(0, rows) == stays(0, shuffled)
    assert len({frozenset(stays(seed, rows)) for seed in range(10)}) == 10


def test_successes_lean_to_few_errors_and_failures_do_not() -> None:
    rows = rollouts(16, 16)
    errors = {row.content: (row.good, at % 4) for at, row in enumerate(rows)}
    drawn = Counter(errors[content] for seed in range(300) for content in stays(seed, rows))
    good = [drawn[True, count] / 1200 for count in range(4)]
    bad = [drawn[False, count] / 1200 for count in range(4)]
    assert good == sorted(good, reverse=True)
    assert good[0] > 0.85 > 0.5 > good[3]
    assert all(0.45 < share < 0.55 for share in bad)


def test_rows_that_say_the_same_are_drawn_apart() -> None:
    same = [rollout("same", True, 0)] * 8 + [rollout("bad", False, 0)] * 8
    verdict = resample_on_correct()(Group("p", rows=tuple(same)))
    assert len(verdict.dropped) == 8


def test_too_few() -> None:
    with pytest.raises(DatasetError, match="less than two"):
        resample_on_correct(keep=3)
