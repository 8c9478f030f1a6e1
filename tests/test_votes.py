from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from langdistill.votes import adaptive_consistency, early_stopping, fixed, leader, vote

ROOT = Path(__file__).parents[1]
REPLAY: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks/stopping.py"))


def test_votes_count_by_meaning_and_keep_the_first_spelling() -> None:
    outcome = vote(["Nk", "xy", "nk", None, '"NK"'])
    assert outcome.answer == "Nk"
    assert outcome.votes == {"nk": 3, "xy": 1}
    assert outcome.share == 3 / 5
    assert outcome.margin == pytest.approx(2 / 5)
    assert outcome.candidates == 5


def test_four_against_four_elects_nobody() -> None:
    outcome = vote(["a", "b"] * 4)
    assert outcome.answer is None
    assert outcome.tied
    assert outcome.share == 0.5


def test_no_answer_is_no_vote() -> None:
    outcome = vote([None, None])
    assert (outcome.answer, outcome.share, outcome.votes, outcome.tied) == (None, 0.0, {}, False)
    assert leader([None, None]) is None
    assert leader([]) is None


def test_weights_decide() -> None:
    assert vote(["a", "b", "b"], [0.6, 0.2, 0.2]).answer == "a"
    assert leader(["b", "a", "b"], [0.2, 0.6, 0.2]) == 1
    with pytest.raises(ValueError, match="shorter"):
        vote(["a", "b"], [1.0])


@pytest.mark.parametrize("order", [["x", "y", "y", "x"], ["x", "x", "y", "y"]])
def test_a_tied_lead_goes_to_the_first_sample(order: list[str]) -> None:
    assert leader(order) == 0


def test_the_pairs_that_stop_adaptive_consistency() -> None:
    """The published ones for 0.95, with 40 samples at most."""
    enough = adaptive_consistency().enough
    stops = [
        next(first for first in range(second, 41) if enough(["a"] * first + ["b"] * second)) for second in range(6)
    ]
    assert list(zip(stops, range(6), strict=True)) == [(4, 0), (6, 1), (8, 2), (9, 3), (11, 4), (12, 5)]


def test_a_window_must_be_whole_and_of_one_answer() -> None:
    enough = early_stopping(window=3).enough
    assert not enough(["a", "a"])
    assert enough(["b", "a", "a", "A"])
    assert not enough(["a", "a", None])
    assert not enough(["a", "b", "a"])
    assert not fixed.enough(["a"] * 100)


@pytest.mark.parametrize("wrong", [1, 4, 50])
def test_simulated_votes_stop_early_within_a_point(wrong: int) -> None:
    """Where the teacher is mostly right: the accuracy of forty samples within a point, at a quarter of them."""
    told = REPLAY["compare"](REPLAY["simulated"](0.9, wrong))
    for rule in ("adaptive_consistency", "early_stopping"):
        assert abs(told[rule]["difference"]) <= 0.01
    assert told["adaptive_consistency"]["samples"] <= 10


def test_recorded_votes_stop_early_within_a_point() -> None:
    """The embedded model's own samples at the papers' temperature, as they were recorded."""
    recorded = json.loads((ROOT / "benchmarks/results/votes.json").read_text())
    rows = [REPLAY["Asked"](row["votes"], row["gold"]) for row in recorded["letters, temperature 0.7"]]
    assert len(rows) >= 100
    assert all(len(row.votes) == 40 for row in rows)
    told = REPLAY["compare"](rows)
    for rule in ("adaptive_consistency", "early_stopping"):
        assert abs(told[rule]["difference"]) <= 0.01
        assert told[rule]["samples"] <= 10


def test_gpt4_s_scattered_votes_lose_nothing(data: Path) -> None:
    """The hard case: hardly any two of GPT-4's samples agree, so there is little to save, and nothing may be lost."""
    told = REPLAY["compare"](REPLAY["game_of_24"](data))
    assert told["fixed 40"]["n"] == 100
    assert told["adaptive_consistency"]["difference"] >= -0.01
    assert 20 <= told["adaptive_consistency"]["samples"] <= 40
