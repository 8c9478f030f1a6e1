"""What a Lion must do to be one: methods and traps of Jiang et al. (2305.12870), each with its own test."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from langdistill.budgets import budget
from langdistill.errors import MiningError
from langdistill.jobs import sample_path
from langdistill.mining.discriminating import Judging
from langdistill.mining.generating import Writing
from langdistill.mining.ledger import ledger, planned, total
from langdistill.mining.pools import InstructionPools
from langdistill.mining.stopping import flat
from langdistill.similarity.rouge_l import rouge_l
from tests.mining.scripted import (
    School,
    World,
    drawn,
    generator_says,
    graded,
    judged,
    judging,
    mined,
    model,
    number_in,
    referee_says,
    topic,
)


def of_the_teacher(response: str) -> bool:
    return response.startswith("teacher")


def grading(*pairs: tuple[tuple[float, float], tuple[float, float]]) -> Any:
    """A referee: for each topic the teacher's and the student's grade, with the teacher first and with the student first."""

    def says(prompt: str) -> str:
        found = judged(prompt)
        swapped = not of_the_teacher(found["a"])
        teacher, student = pairs[number_in(found["request"])][swapped]
        return graded(student, teacher) if swapped else graded(teacher, student)

    return model("referee", says)


def topics(found: Any, half: str) -> list[int]:
    return [found["ids"].index(id) for id in found[half]]


def test_1_the_difference_is_of_the_means_over_both_orders(tmp_path: Path) -> None:
    referee = grading(((8, 6), (6, 6)), ((8, 6), (5, 6)), ((9, 8), (7, 6)), ((7, 9), (9, 5)), ((1, 10), (1, 10)))
    found = judging(tmp_path, World(referee=referee), seeds=5)
    # (8 + 6)/2 - (6 + 6)/2 = 1; 0.5; 1; 1; -9
    assert topics(found, "hard") == [0, 2, 3]
    assert topics(found, "easy") == [1, 4]
    assert found["report"]["mean_difference"] == (1 + 0.5 + 1 + 1 - 9) / 5
    assert found["report"]["first_preferred_by"] == ((2 - 0) + (2 + 1) + 0 + (-2 - 4) + 0) / 2 / 5
    assert found["report"]["share_hard"] == 3 / 5


@pytest.mark.parametrize(("tau", "hard"), [(1.0, [0, 1]), (1.001, [0]), (0.999, [0, 1]), (1.5, [0]), (9.0, [])])
def test_1_a_difference_of_tau_itself_is_hard(tmp_path: Path, tau: float, hard: list[int]) -> None:
    referee = grading(((8, 6), (7, 6)), ((7, 6), (7, 6)), ((6.5, 6), (6.6, 6)))
    assert topics(judging(tmp_path, World(referee=referee), seeds=3, tau=tau), "hard") == hard


def test_1_each_order_is_shown_once(tmp_path: Path) -> None:
    world = World()
    judging(tmp_path, world, seeds=3)
    shown = Counter(judged(one[-1].text).group("request", "a", "b") for one in world.referee.prompts)
    sides = [(f"teacher on {at}", f"student 0 on {at}") for at in range(3)]
    assert shown == Counter({(topic(at), *order): 1 for at in range(3) for order in (sides[at], sides[at][::-1])})


UNREADABLE = [
    "Both are fine.",
    "Score of A: 8",
    "Score of A: 0\nScore of B: 3",
    "Score of A: 4/5\nScore of B: 3/5",
    "",
    "-1 -1",
]


@pytest.mark.parametrize("reply", UNREADABLE)
def test_1_what_cannot_be_read_is_asked_again_then_left_out_and_counted(tmp_path: Path, reply: str) -> None:
    def says(prompt: str) -> str:
        request, first = number_in(judged(prompt)["request"]), of_the_teacher(judged(prompt)["a"])
        silent = request == 0 or (request == 1 and not first) or (request == 2 and sample_path.get() != (2,))
        return reply if silent else graded(9, 6) if first else graded(6, 9)

    world = World(referee=model("referee", says))
    found = judging(tmp_path, world, seeds=4)
    assert topics(found, "hard") == [2, 3]
    assert found["easy"] == []
    assert found["report"] | {"judged": 2, "unread": 2, "unanswered": 0, "mean_difference": 3.0} == found["report"]
    # of topic 0 both orders and two more tries each, of topic 1 one order thrice, of topic 2 each order thrice
    asked = Counter(number_in(judged(one[-1].text)["request"]) for one in world.referee.prompts)
    assert asked == {0: 3, 1: 4, 2: 6, 3: 2}


def test_1_a_further_try_is_a_new_sample(tmp_path: Path) -> None:
    seen: list[tuple[int, ...]] = []

    def says(prompt: str) -> str:
        seen.append(sample_path.get())
        return "no"

    world = World(referee=model("referee", says))
    judging(tmp_path, world, seeds=1, swap=False, retries=3)
    assert seen == [(), (1,), (2,), (3,)]
    assert len(world.referee.prompts) == 4
    judging(tmp_path, world, seeds=1, swap=False, retries=3)
    assert len(seen) == 4, "what could not be read is kept, too"


@pytest.mark.parametrize(("first", "second"), [(8, 7), (7, 8)])
def test_2_a_referee_that_looks_at_the_place_alone_finds_nothing_hard(tmp_path: Path, first: int, second: int) -> None:
    world = World(referee=model("referee", lambda prompt: graded(first, second)))
    found = mined(tmp_path, world, 9)
    assert len(found["rounds"]) == 1
    report = found["rounds"][0]
    assert (report["judged"], report["hard"], report["mean_difference"]) == (9, 0, 0.0)
    assert report["first_preferred_by"] == first - second
    place = "first" if first > second else "second"
    assert found["stopped"] == (
        f"no instruction of 9 that were judged is hard; the referee graded whatever it was shown {place} 1.0 better, "
        "and may see nothing but the order"
    )
    assert not world.generator.prompts


def test_2_without_the_swap_its_bias_decides(tmp_path: Path) -> None:
    found = judging(tmp_path, World(referee=model("referee", lambda prompt: graded(8, 7))), seeds=4, swap=False)
    assert len(found["hard"]) == 4
    assert found["report"]["first_preferred_by"] is None


@pytest.mark.parametrize("half", ["same domain and has the same task type", "same domain but is rarer"])
def test_3_as_many_of_each_half_by_what_is_accepted(tmp_path: Path, half: str) -> None:
    """Nine of ten that are written for one half are refused; both halves come out equal."""

    def says(prompt: str) -> str:
        told = drawn(prompt, sample_path.get())
        return "Explain it well" if half in prompt and told % 10 else topic(told)

    world = World(generator=model("generator", says))
    found = mined(tmp_path, world, 24, rounds=1, writing=Writing(per_round=10, tries=60))
    assert found["rounds"][0]["accepted"] == {"hard": 5, "easy": 5}
    assert found["stopped"] is None
    with InstructionPools(tmp_path) as pools:
        written = pools.instructions(found["train"])
        tries = Counter((one.half, one.reason) for one in pools.tries(1))
        seeds = {one.id: one for one in pools.instructions(found["cache"][:24])}
    assert [one.source for one in written] == ["hard"] * 5 + ["easy"] * 5
    refused = sum(count for (_, reason), count in tries.items() if reason == "too-short")
    assert refused > 15
    assert found["rounds"][0]["rejected"] == {"too-short": refused}
    assert len({one for one, reason in tries if reason}) == 1, "of one half alone"
    assert all(one.parent in seeds and one.root == one.parent and one.round == 1 for one in written)


@pytest.mark.parametrize(
    ("shared", "new", "known", "score", "reason"),
    [
        (7, 10, 10, 0.7, "not-novel"),
        (7, 12, 8, 0.7, "not-novel"),
        (7, 11, 10, 14 / 21, None),
        (69, 99, 99, 69 / 99, None),
        (70, 100, 100, 0.7, "not-novel"),
        (10, 10, 10, 1.0, "not-novel"),
    ],
)
def test_3_a_rouge_l_of_exactly_the_threshold_is_not_novel(
    tmp_path: Path, shared: int, new: int, known: int, score: float, reason: str | None
) -> None:
    """The paper wants less than 0.7; its code lets 0.70 pass."""
    start = [f"w{at}" for at in range(shared)]
    seed = " ".join([*start, *(f"x{at}" for at in range(known - shared))])
    written = " ".join([*start, *(f"y{at}" for at in range(new - shared))])
    assert rouge_l(seed, written) == score
    world = World(
        teacher=model("teacher", lambda prompt: "teacher"),
        student=model("student", lambda prompt: "student"),
        referee=model("referee", lambda prompt: graded(9, 1) if of_the_teacher(judged(prompt)["a"]) else graded(1, 9)),
        generator=model("generator", lambda prompt: written),
    )
    mined(tmp_path, world, [seed], rounds=1, writing=Writing(per_round=1, share_hard=1.0, tries=1))
    with InstructionPools(tmp_path) as pools:
        assert [one.reason for one in pools.tries(1)] == [reason]


def test_3_new_ones_are_compared_with_those_of_the_same_round(tmp_path: Path) -> None:
    world = World(generator=model("generator", lambda prompt: topic(999)))
    found = mined(tmp_path, world, 12, rounds=1)
    assert found["rounds"][0]["accepted"] == {"hard": 1, "easy": 0}
    # three of each half are wanted and each may be tried ten times
    assert found["rounds"][0]["tries"] == 60
    assert found["rounds"][0]["rejected"] == {"not-novel": 59}
    assert found["stopped"] == (
        "1 of 3 new instructions from hard ones were accepted in 30 tries, the most that were allowed; "
        "0 of 3 new instructions from easy ones were accepted in 30 tries, the most that were allowed"
    )


def test_4_the_train_pool_is_replaced_and_the_cache_pool_grows(tmp_path: Path) -> None:
    """The paper's pools at a thousandth: 52 -> 6 -> 6 -> 6, and 52 -> 58 -> 64 -> 70."""
    world, school = World(), School()
    states: list[dict[str, Any]] = []
    with InstructionPools(tmp_path) as pools:
        seeds = pools.add(topic(at) for at in range(52))
        miner = world.miner(pools, trainer=school)
        for state in miner.stream({"seeds": seeds}, stream_mode="values"):
            if state.get("cache") and (not states or state["cache"] != states[-1]["cache"]):
                states.append(state)
        assert [len(one["train"]) for one in states] == [52, 6, 6, 6]
        assert [len(one["cache"]) for one in states] == [52, 58, 64, 70]
        for before, after in pairwise(states):
            assert after["cache"] == before["cache"] + after["train"], "extended by what is new, in order"
        assert [one.round for one in pools.instructions(states[-1]["cache"])] == [0] * 52 + [1] * 6 + [2] * 6 + [3] * 6
        assert len(pools.answers(states[-1]["cache"], state["taught"])) == 70
    assert [(one["train"], one["cache"]) for one in state["rounds"]] == [(52, 52), (6, 58), (6, 64)]
    assert [len(one.traces) for one in school.lessons] == [52, 6, 6, 6], (
        "the last ones are imitated, which ends the run"
    )
    assert [one.student for one in school.lessons] == [None, "student-1", "student-2", "student-3"]
    assert state["student"] == "student-4"
    assert state["stopped"] is None
    last = {one.metadata["problem"] for one in school.lessons[-1].traces}
    assert last == set(state["train"])


def test_5_a_run_that_is_begun_again_asks_nothing(tmp_path: Path) -> None:
    first, again = World(), World()
    assert mined(tmp_path, first, trainer=School()) == mined(tmp_path, again, trainer=School())
    assert again.calls() == {"teacher": 0, "student": 0, "referee": 0, "generator": 0}
    assert first.calls()["referee"] > 0


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ({}, {"teacher": 70_000, "student": 174_000, "referee": 348_000, "generator": 18_000}),
        (
            {"judging": Judging(swap=False)},
            {"teacher": 70_000, "student": 174_000, "referee": 174_000, "generator": 18_000},
        ),
        (
            {"judging": Judging(sample=6000)},
            {"teacher": 70_000, "student": 18_000, "referee": 36_000, "generator": 18_000},
        ),
        ({"rounds": 1}, {"teacher": 58_000, "student": 52_000, "referee": 104_000, "generator": 6000}),
    ],
)
def test_6_the_papers_ledger_before_a_run(settings: dict[str, Any], calls: dict[str, int]) -> None:
    assert total(planned(52_000, **settings)) == calls


def test_6_the_papers_pools_before_a_run() -> None:
    plan = planned(52_000)
    assert [one.train for one in plan] == [52_000, 6000, 6000, 6000]
    assert [one.cache for one in plan] == [52_000, 58_000, 64_000, 70_000]
    assert [one.referee for one in plan] == [104_000, 116_000, 128_000, 0]


@pytest.mark.parametrize("settings", [{}, {"judging": Judging(swap=False)}, {"judging": Judging(sample=7)}])
def test_6_the_ledger_of_a_run_is_its_plan(tmp_path: Path, settings: dict[str, Any]) -> None:
    asked = Counter[str]()

    def counted(name: str, says: Any) -> Any:
        def say(prompt: str) -> Any:
            asked[name] += 1
            return says(prompt)

        return say

    school = School()
    school.says = lambda version: counted("student", lambda prompt: f"student {version} on {number_in(prompt)}")
    world = World(
        referee=model("referee", counted("referee", referee_says)),
        generator=model("generator", counted("generator", generator_says)),
    )
    mined(tmp_path, world, 20, trainer=school, **settings)
    plan = total(planned(20, writing=Writing(per_round=6), **settings))
    with InstructionPools(tmp_path) as pools:
        told = {role: account.calls for role, account in ledger(pools).items()}
        tries = [one for number in (1, 2, 3) for one in pools.tries(number)]
    assert told == {**plan, "generator": told["generator"]}
    assert told["generator"] >= plan["generator"] == 18
    assert told["generator"] == 18 + sum(one.reason is not None for one in tries)
    assert told == {**asked, "teacher": len(world.teacher.prompts)}, "which is what the models were asked"


def test_6_its_tokens_are_those_of_the_models(tmp_path: Path) -> None:
    mined(tmp_path, World(), 5, rounds=1, writing=Writing(per_round=2))
    with InstructionPools(tmp_path) as pools:
        found = ledger(pools)
        answered = found["student"].calls
    assert answered == 5
    # "Explain topic0 with example0 and proof0 for reader0", and "student 0 on 0"
    assert (found["student"].input_tokens, found["student"].output_tokens) == (5 * 8, 5 * 4)
    assert (found["teacher"].input_tokens, found["teacher"].output_tokens) == (7 * 8, 7 * 3)
    assert found["referee"].output_tokens == 10 * 11


def reports(*values: float | None) -> list[dict[str, Any]]:
    return [{"share_hard": value, "mean_difference": value} for value in values]


@pytest.mark.parametrize("figure", ["share_hard", "mean_difference"])
@pytest.mark.parametrize(
    ("values", "rounds", "stops"),
    [
        ((0.5,), 2, False),
        ((0.5, 0.25), 2, True),
        ((0.5, 0.2), 2, False),
        ((0.9, 0.5, 0.5), 2, True),
        ((0.9, 0.5, 0.5), 3, False),
        ((0.5, None), 2, False),
        ((None, 0.5), 2, False),
        ((), 2, False),
    ],
)
def test_7_a_figure_that_stays_as_it_is(
    figure: str, values: tuple[float | None, ...], rounds: int, stops: bool
) -> None:
    told = flat(figure, within=0.25, rounds=rounds)(reports(*values))
    assert bool(told) is stops
    assert told is None or told.startswith(f"{figure} stayed within 0.25 over {rounds} rounds: ")


@pytest.mark.parametrize(("rounds", "within"), [(1, 0.1), (2, -0.1)])
def test_7_a_rule_that_tells_nothing(rounds: int, within: float) -> None:
    with pytest.raises(MiningError, match="tells nothing"):
        flat("share_hard", within=within, rounds=rounds)


@pytest.mark.parametrize("figure", ["share_hard", "mean_difference"])
def test_7_a_run_that_stops_early(tmp_path: Path, figure: str) -> None:
    """A student that never learns: round 2 is as round 1, and no third one is begun."""
    school = School(says=lambda version: lambda prompt: f"student 0 on {number_in(prompt)}")
    world = World()
    found = mined(tmp_path, world, 12, trainer=school, stop=flat(figure, within=0.2 if figure == "share_hard" else 0.6))
    assert len(found["rounds"]) == 2
    assert str(found["stopped"]).startswith(f"{figure} stayed within")
    assert "accepted" not in found["rounds"][1], "nothing was written any more"
    assert len(found["cache"]) == 18


@pytest.mark.parametrize("most", [0, 7, 12, 20, 40, 53, 61])
def test_7_a_budget(tmp_path: Path, most: int) -> None:
    """Twelve answers of each, 24 judgements, then what is written: the run ends at any of them and goes on from there."""
    world = World()
    with budget(completions=most) as spent:
        found = mined(tmp_path, world, 12, rounds=1)
    assert spent.completions == most == sum(world.calls().values())
    assert found["stopped"] == f"the budget is spent: completions {most} of {most}"
    with InstructionPools(tmp_path) as pools:
        assert sum(one.calls for one in ledger(pools).values()) == most
    more = World()
    found = mined(tmp_path, more, 12, rounds=1)
    assert found["stopped"] is None
    whole = World()
    assert found == mined(tmp_path / "whole", whole, 12, rounds=1)
    assert sum(more.calls().values()) == sum(whole.calls().values()) - most, "what was paid is not paid again"


def test_7_a_budget_of_tokens_ends_the_run_where_it_is_reached(tmp_path: Path) -> None:
    with budget(tokens=200) as spent:
        found = mined(tmp_path, World(), 12)
    assert re.fullmatch(r"the budget is spent: tokens \d+ of 200", str(found["stopped"]))
    assert spent.tokens >= 200
