"""What is saved beyond the paper, each by a knob that is off."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from langdistill.errors import MiningError, PromptError
from langdistill.intervals import wilson
from langdistill.mining.discriminating import Judging
from langdistill.similarity.rouge_l import rouge_l
from tests.mining.scripted import World, graded, judged, judging, mined, model, number_in, topic


def orders(world: World) -> Counter[tuple[int, str]]:
    """How often each topic was judged with whom shown first."""
    asked = [judged(one[-1].text) for one in world.referee.prompts]
    return Counter((number_in(one["request"]), one["a"].split()[0]) for one in asked)


def test_a_sample_is_the_same_each_time(tmp_path: Path) -> None:
    worlds = World(), World()
    first, again = (judging(tmp_path / str(at), one, seeds=30, sample=10) for at, one in enumerate(worlds))
    assert first["hard"] == again["hard"]
    assert first["report"] == again["report"]
    asked = {topic for topic, _ in orders(worlds[0])}
    assert asked == {topic for topic, _ in orders(worlds[1])}
    assert len(asked) == len(worlds[0].student.prompts) == 10
    other = World()
    judging(tmp_path / "other", other, seeds=30, sample=10, seed=1)
    assert {topic for topic, _ in orders(other)} != asked


def test_a_sample_tells_what_it_may_miss(tmp_path: Path) -> None:
    report = judging(tmp_path, World(), seeds=30, sample=10)["report"]
    assert (report["cache"], report["judged"]) == (30, 10)
    assert report["share_hard"] == report["hard"] / 10
    assert report["interval"] == list(wilson(report["hard"], 10))
    assert report["hard_not_judged"] == round(20 * report["share_hard"])
    whole = judging(tmp_path / "whole", World(), seeds=30)["report"]
    assert report["interval"][0] <= whole["share_hard"] <= report["interval"][1]
    assert whole["hard_not_judged"] == 0


def test_each_round_draws_anew() -> None:
    ids = [f"{at:03}" for at in range(100)]
    drawn = [Judging(sample=20).drawn(ids, number) for number in (1, 2)]
    assert [len(set(one)) for one in drawn] == [20, 20]
    assert all(one == sorted(one) for one in drawn), "in the pool's order"
    assert drawn[0] != drawn[1]
    assert Judging(sample=100).drawn(ids, 1) == Judging(sample=500).drawn(ids, 1) == Judging().drawn(ids, 1) == ids


@pytest.mark.parametrize(
    ("band", "twice"),
    [(0.0, [1]), (0.5, [1, 2]), (1.0, [0, 1, 2, 3]), (20.0, [0, 1, 2, 3, 4]), (None, [0, 1, 2, 3, 4])],
)
def test_the_second_order_within_the_band_alone(tmp_path: Path, band: float | None, twice: list[int]) -> None:
    """The first order is 0, 1, 1.5, 2 and 4 grades from each other, and tau is 1."""
    behind = [0, 1, 1.5, 2, 4]

    def says(prompt: str) -> str:
        found = judged(prompt)
        by = behind[number_in(found["request"])]
        return graded(9, 9 - by) if found["a"].startswith("teacher") else graded(9 - by, 9)

    world = World(referee=model("referee", says))
    found = judging(tmp_path, world, seeds=5, band=band)
    asked = orders(world)
    assert [at for at in range(5) if asked[at, "teacher"]] == [0, 1, 2, 3, 4]
    assert [at for at in range(5) if asked[at, "student"]] == twice
    assert asked.total() == 5 + len(twice)
    assert found["report"]["both_orders"] == len(twice)
    assert [found["ids"].index(id) for id in found["hard"]] == [1, 2, 3, 4]


def test_what_the_second_order_says_counts_within_the_band(tmp_path: Path) -> None:
    referee = model("referee", lambda prompt: graded(8, 7))
    assert judging(tmp_path / "in", World(referee=referee), seeds=3, band=0.0)["hard"] == []
    referee = model("referee", lambda prompt: graded(9, 7))
    assert len(judging(tmp_path / "out", World(referee=referee), seeds=3, band=0.5)["hard"]) == 3


@pytest.mark.parametrize(("alike", "left_out"), [(None, 0), (1.0, 2), (0.75, 4), (0.7, 4), (0.4, 6)])
def test_alike_answers_are_not_judged(tmp_path: Path, alike: float | None, left_out: int) -> None:
    said = {0: "a b c d.", 1: "A, b c d!", 2: "a b c x", 3: "a b c", 4: "a b x y", 5: "a b", 6: "w x y z"}
    assert [round(rouge_l("a b c d", one), 3) for one in said.values()] == [1, 1, 0.75, 0.857, 0.5, 0.667, 0]
    world = World(
        teacher=model("teacher", lambda prompt: "a b c d"),
        student=model("student", lambda prompt: said[number_in(prompt)]),
        referee=model("referee", lambda prompt: graded(9, 1) if "[Response A]\na b c d\n" in prompt else graded(1, 9)),
    )
    found = judging(tmp_path, world, seeds=7, alike=alike)
    assert len(world.referee.prompts) == 2 * (7 - left_out)
    assert found["report"]["judged"] == 7, "alike ones are judged, by 0"
    assert len(found["easy"]) >= left_out
    assert all(found["ids"].index(id) in range(6) for id in found["easy"][:left_out])


def test_they_save_what_they_say(tmp_path: Path) -> None:
    plain, saving = World(), World()
    mined(tmp_path / "plain", plain, 30, rounds=1)
    mined(tmp_path / "saving", saving, 30, rounds=1, judging=Judging(sample=15, band=1.0))
    assert plain.calls()["referee"] == 60
    assert saving.calls()["student"] == 15
    assert saving.calls()["referee"] == 15 + orders(saving)[0, "student"] + sum(
        count for (at, who), count in orders(saving).items() if who == "student" and at
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"tau": 0},
        "tau=0 tells nothing apart: grades go from 1 to 10. Give a number above 0 and at most 9; the paper's is 1.",
    ),
    ({"tau": -1.0}, "tau=-1.0 tells"),
    ({"tau": 9.5}, "tau=9.5 tells"),
    ({"tau": float("nan")}, "tau=nan tells"),
    ({"sample": 0}, "sample=0 judges nothing"),
    ({"retries": -1}, "retries=-1"),
    ({"band": -0.1}, "band=-0.1"),
    ({"alike": 0}, "alike=0 is no similarity"),
    ({"alike": 1.1}, "alike=1.1 is no similarity"),
]


@pytest.mark.parametrize(("settings", "told"), REFUSED)
def test_what_cannot_work(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(MiningError) as error:
        Judging(**settings)
    assert str(error.value).startswith(told) or told in str(error.value)


def test_a_prompt_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="has the places"):
        Judging(prompt="Compare {first} and {second}")
    world = World(referee=model("referee", lambda prompt: "9 5" if prompt.startswith("teacher") else "5 9"))
    found = judging(tmp_path, world, seeds=2, prompt="{first}\n{second}\n{request}")
    assert found["report"]["mean_difference"] == 4
    assert world.referee.prompts[0][-1].text == f"teacher on 0\nstudent 0 on 0\n{topic(0)}"
