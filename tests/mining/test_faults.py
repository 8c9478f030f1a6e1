"""Bad input, and what breaks in the midst of a run."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from langdistill import create_rephrase_and_respond
from langdistill.budgets import budget
from langdistill.errors import MiningError, ModelError
from langdistill.jobs import sample_path
from langdistill.mining.generating import Writing
from langdistill.mining.imitating import imitation
from langdistill.mining.ledger import ledger
from langdistill.mining.pools import InstructionPools
from langdistill.mining.training import HandedOver
from tests.mining.scripted import (
    School,
    World,
    drawn,
    generator_says,
    graded,
    judging,
    mined,
    model,
    number_in,
    referee_says,
    student_says,
    teacher_says,
    topic,
)

LONG = "x" * 100_000


@pytest.mark.parametrize("seeds", [[], [""], ["  ", "\n"], [LONG], [{"instruction": "", "input": "some"}]])
def test_no_seeds(tmp_path: Path, seeds: list[Any]) -> None:
    with InstructionPools(tmp_path) as pools, pytest.raises(MiningError, match="There is no instruction to start from"):
        pools.add(seeds)


def test_no_ids(tmp_path: Path) -> None:
    with (
        InstructionPools(tmp_path) as pools,
        pytest.raises(MiningError, match=r"`seeds` is empty. Give the ids that `InstructionPools.add` gave"),
    ):
        World().miner(pools).invoke({"seeds": []})


def test_ids_of_another_folder(tmp_path: Path) -> None:
    with InstructionPools(tmp_path / "one") as pools:
        ids = pools.add([topic(0)])
    world = World()
    with (
        InstructionPools(tmp_path / "other") as pools,
        pytest.raises(MiningError, match=f"has no instruction '{ids[0]}'"),
    ):
        world.miner(pools).invoke({"seeds": ids})
    assert not world.teacher.prompts


@pytest.mark.parametrize(
    "seed", [7, None, b"bytes", ["a", "b"], {"text": "a"}, {"instruction": 7}, {"instruction": "a", "input": 7}]
)
def test_a_seed_that_is_none(tmp_path: Path, seed: Any) -> None:
    with (
        InstructionPools(tmp_path) as pools,
        pytest.raises(MiningError, match=r"Seed 1 is .*Give a text, or a mapping with `instruction`"),
    ):
        pools.add([topic(0), seed])


def test_one_text_is_no_list_of_seeds(tmp_path: Path) -> None:
    with InstructionPools(tmp_path) as pools, pytest.raises(MiningError, match="The seeds are one text, 'Explain"):
        pools.add(topic(0))


def test_seeds_that_are_refused_are_counted(tmp_path: Path) -> None:
    with InstructionPools(tmp_path) as pools:
        ids = pools.add(
            [
                topic(0),
                "",
                f" {topic(0)} ",
                topic(1),
                LONG,
                {"instruction": topic(0), "input": "a"},
                {"instruction": topic(1), "input": None},
            ]
        )
        assert [(one.text, one.input) for one in pools.instructions(ids)] == [
            (topic(0), ""),
            (topic(1), ""),
            (topic(0), "a"),
        ]
        assert pools.refused == {"duplicate": 2, "empty": 1, "too-long": 1}
        assert pools.add([topic(0), topic(2), topic(2)])[0] == ids[0]
        assert pools.refused == {"duplicate": 1}, "of those that were added last"
        assert len(pools.add([LONG], longest=100_000)) == 1


def test_an_id_that_comes_twice_is_asked_once(tmp_path: Path) -> None:
    world = World()
    with InstructionPools(tmp_path) as pools:
        ids = pools.add(topic(at) for at in range(5))
        found = world.miner(pools, rounds=1).invoke({"seeds": ids + ids})
        assert found["cache"][:6] == [*ids, found["train"][0]]
        other = model("other", teacher_says)
        imitation(other, pools=pools).invoke({"train": ids[:1] * 3})
    assert len(other.prompts) == 1
    assert world.calls()["student"] == 5
    assert world.calls()["referee"] == 10


@pytest.mark.parametrize(
    "says", [lambda prompt: topic(0), lambda prompt: "", lambda prompt: LONG, lambda prompt: "?" * 50]
)
@pytest.mark.parametrize("trainer", [True, False])
def test_a_generator_of_which_nothing_can_be_taken(tmp_path: Path, says: Any, trainer: bool) -> None:
    """Bounded tries, then an end that says how many were accepted, whoever waits for something to learn."""
    world, school = World(generator=model("generator", says)), School()
    writing = Writing(per_round=4, tries=3)
    found = mined(tmp_path, world, 12, writing=writing, trainer=school if trainer else None)
    assert found["stopped"] == (
        "0 of 2 new instructions from hard ones were accepted in 6 tries, the most that were allowed; "
        "0 of 2 new instructions from easy ones were accepted in 6 tries, the most that were allowed"
    )
    assert len(world.generator.prompts) == 12
    assert (len(found["rounds"]), found["train"], len(found["cache"])) == (1, [], 12)
    assert len(school.lessons) == trainer


def test_what_a_short_round_wrote_is_still_learnt(tmp_path: Path) -> None:
    left = iter([topic(100)])
    world, school = World(generator=model("generator", lambda prompt: next(left, topic(0)))), School()
    found = mined(tmp_path, world, 12, writing=Writing(per_round=4, tries=3), trainer=school)
    assert found["stopped"].startswith("1 of 2 new instructions from hard ones were accepted in 6 tries")
    assert [len(one.traces) for one in school.lessons] == [12, 1]
    assert len(found["rounds"]) == 1


ROLES = ("teacher", "student", "referee", "generator")


def broken(prompt: str) -> str:
    raise ConnectionError("connection refused")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
async def test_an_endpoint_that_is_down(tmp_path: Path, role: str, how: str) -> None:
    """The error names the role; with it up again the run goes on, and pays for what is left alone."""
    whole = World()
    expected = mined(tmp_path / "whole", whole, 8, rounds=1)
    name = {"student": "student-0"}.get(role, role)
    down, up = World(**{role: model(name, broken)}), World()
    told = rf"The {role} \({name}\) gave none of \d+ replies: connection refused. What came before is kept: mend it, and run the same again."
    with InstructionPools(tmp_path / "broken") as pools:
        given = {"seeds": pools.add(topic(at) for at in range(8))}
        with pytest.raises(ModelError, match=told):
            _ = (
                down.miner(pools, rounds=1).invoke(given)
                if how == "invoke"
                else await down.miner(pools, rounds=1).ainvoke(given)
            )
        found = up.miner(pools, rounds=1).invoke(given)
    assert found == expected
    paid = {one: up.calls()[one] + (0 if one == role else down.calls()[one]) for one in ROLES}
    assert paid == whole.calls()


def test_a_teacher_that_fails_on_some(tmp_path: Path) -> None:
    """They are in neither half, counted, no lesson, and asked for again in the next round."""
    tried: list[int] = []

    def says(prompt: str) -> str:
        at = number_in(prompt)
        tried.append(at)
        if at in (3, 5):
            raise ValueError("content policy")
        return teacher_says(prompt)

    school = School()
    found = mined(tmp_path, World(teacher=model("teacher", says)), 12, trainer=school, rounds=2)
    assert [one["unanswered"] for one in found["rounds"]] == [2, 2]
    assert [one["judged"] for one in found["rounds"]] == [10, 16]
    assert [len(one.traces) for one in school.lessons] == [10, 6, 6]
    assert tried.count(3) == tried.count(5) == 3, "imitated, and in both rounds' discrimination"


def test_a_generator_that_goes_down_in_a_round_is_no_finished_round(tmp_path: Path) -> None:
    told = iter([topic(100), topic(101)])

    def says(prompt: str) -> str:
        try:
            return next(told)
        except StopIteration:
            raise ConnectionError("connection refused") from None

    found = mined(tmp_path, World(generator=model("generator", says)), 12, rounds=1)
    assert found["stopped"].startswith(("2 of 3 new", "1 of 3 new", "0 of 3 new"))
    assert found["rounds"][0]["rejected"]["unanswered"] >= 20
    again = mined(tmp_path, World(), 12, rounds=1)
    assert again["stopped"] is None
    assert again["rounds"][0]["accepted"] == {"hard": 3, "easy": 3}
    assert {topic(100), topic(101)} <= texts(tmp_path, again["train"]), "what had come is kept"


def texts(folder: Path, ids: list[str]) -> set[str]:
    with InstructionPools(folder) as pools:
        return {one.text for one in pools.instructions(ids)}


def test_an_outage_in_the_midst_is_told(tmp_path: Path) -> None:
    """Sixteen that fail together may be a filter's; of more it is the model that is down."""
    up = iter([True] * 512)

    def says(prompt: str) -> str:
        if not next(up, False):
            raise ConnectionError("connection refused")
        return teacher_says(prompt)

    with InstructionPools(tmp_path) as pools:
        ids = pools.add(topic(at) for at in range(529))
        taught = imitation(model("teacher", says), pools=pools)
        with pytest.raises(ModelError, match=r"The teacher \(teacher\) gave none of 17 replies: connection refused"):
            taught.invoke({"train": ids})
        assert len(pools.answers(ids, taught.invoke({"train": ids[:528]})["taught"])) == 512


def test_a_student_that_fails_on_some(tmp_path: Path) -> None:
    def says(prompt: str) -> str:
        if number_in(prompt) % 2:
            raise TimeoutError("too slow")
        return student_says(0)(prompt)

    found = judging(tmp_path, World(student=model("student", says)), seeds=9)
    assert {found["ids"].index(id) for id in found["hard"] + found["easy"]} == {0, 2, 4, 6, 8}
    assert found["report"] | {"judged": 5, "unanswered": 4, "unread": 0} == found["report"]


def test_a_referee_that_fails_now_and_then_is_asked_again(tmp_path: Path) -> None:
    def says(prompt: str) -> str:
        if sample_path.get() == ():
            raise TimeoutError("too slow")
        return referee_says(prompt)

    with pytest.raises(ModelError, match="The referee"):
        judging(tmp_path / "all", World(referee=model("referee", says)), seeds=2)

    def some(prompt: str) -> str:
        return says(prompt) if "topic1 " in prompt else referee_says(prompt)

    found = judging(tmp_path / "some", World(referee=model("referee", some)), seeds=4)
    assert found["report"] | {"judged": 4, "unread": 0} == found["report"]


def test_a_generator_that_fails_now_and_then(tmp_path: Path) -> None:
    failed: list[int] = []

    def says(prompt: str) -> str:
        if len(failed) < 2:
            failed.append(1)
            raise TimeoutError("too slow")
        return generator_says(prompt)

    found = mined(tmp_path, World(generator=model("generator", says)), 12, rounds=1)
    assert found["rounds"][0]["accepted"] == {"hard": 3, "easy": 3}
    assert found["rounds"][0]["rejected"]["unanswered"] == 2
    with InstructionPools(tmp_path) as pools:
        assert ledger(pools)["generator"].calls == found["rounds"][0]["tries"] - 2, "what failed was not given"


HALVES = ["\ud800", "\udc00 alone", "joined \ud83d\ude00"]


@pytest.mark.parametrize("half", HALVES)
async def test_halves_of_surrogate_pairs(tmp_path: Path, half: str) -> None:
    """In seeds, answers, judgements and new instructions: replaced, or put together, and kept; nothing is asked twice for them."""
    world = World(
        teacher=model("teacher", lambda prompt: f"{teacher_says(prompt)} {half}"),
        student=model("student", lambda prompt: f"{student_says(0)(prompt)} {half}"),
        referee=model("referee", lambda prompt: f"{half} {referee_says(prompt)}"),
        generator=model("generator", lambda prompt: f"{topic(drawn(prompt, sample_path.get()))} {half}"),
    )
    with InstructionPools(tmp_path) as pools:
        ids = pools.add({"instruction": f"{topic(at)} {half}", "input": half} for at in range(8))
        trainer = HandedOver()
        given = {"seeds": ids}
        found = await world.miner(pools, rounds=1).ainvoke(given)
        assert found["rounds"][0]["accepted"] == {"hard": 3, "easy": 3}
        before = world.calls()
        assert world.miner(pools, rounds=1).invoke(given) == found
        assert world.calls() == before
        kept = [one.text for one in pools.instructions(found["cache"])]
        config: Any = {"configurable": {"thread_id": "1"}}
        told = world.miner(pools, trainer=trainer, checkpointer=InMemorySaver()).invoke(given, config)
        assert Path(told["__interrupt__"][0].value["lesson"]).read_text(encoding="utf-8").count("teacher on") == 8
    assert all(("\N{GRINNING FACE}" if "joined" in half else "\N{REPLACEMENT CHARACTER}") in text for text in kept)


def test_empty_replies(tmp_path: Path) -> None:
    """An empty answer is judged as it is, and is no lesson; of a referee or a generator it is none."""
    school = School(says=lambda version: lambda prompt: "")

    def says(prompt: str) -> str:
        return "" if number_in(prompt) == 2 else teacher_says(prompt)

    world = World(teacher=model("teacher", says), referee=model("referee", lambda prompt: ""))
    found = mined(tmp_path, world, 4, trainer=school)
    assert [number_in(one.input[0]["content"]) for one in school.lessons[0].traces] == [0, 1, 3]
    assert found["rounds"][0] | {"judged": 0, "unread": 4, "unanswered": 0} == found["rounds"][0]
    assert found["stopped"] == "no instruction of 0 that were judged is hard (0 unanswered, 4 not understood)"


def test_a_teacher_that_says_nothing_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(MiningError, match="The teacher has answered none of the instructions"):
        mined(tmp_path, World(teacher=model("teacher", lambda prompt: " ")), 4, trainer=School())


def test_what_says_something_very_long(tmp_path: Path) -> None:
    world = World(
        teacher=model("teacher", lambda prompt: f"{teacher_says(prompt)} {LONG}"),
        referee=model("referee", lambda prompt: graded(9, 5) if "[Response A]\nteacher" in prompt else graded(5, 9)),
        generator=model("generator", lambda prompt: generator_says(prompt) if sample_path.get() else LONG),
    )
    found = mined(tmp_path, world, 3, rounds=1, writing=Writing(per_round=2, share_hard=1.0))
    assert found["rounds"][0]["accepted"] == {"hard": 2, "easy": 0}
    assert found["rounds"][0]["rejected"]["too-short"] >= 1


def test_a_budget_that_cuts_the_thinking_of_a_graph_short(tmp_path: Path) -> None:
    """What a strategy made of half of its thinking is not kept as what the teacher says."""
    teacher = create_rephrase_and_respond(model("slow", teacher_says))
    with InstructionPools(tmp_path) as pools:
        ids = pools.add(topic(at) for at in range(6))
        node = imitation(teacher, pools=pools)
        with budget(completions=7):
            found = node.invoke({"train": ids}, {"max_concurrency": 1})
        assert found["ended"]
        assert found["stopped"] == "the budget is spent: completions 7 of 7"
        taught = imitation(teacher, pools=pools).invoke({"train": ids})["taught"]
        assert len(pools.answers(ids, taught)) == 6


def test_no_rounds(tmp_path: Path) -> None:
    with InstructionPools(tmp_path) as pools, pytest.raises(MiningError, match="rounds=0 mines nothing"):
        World().miner(pools, rounds=0)


@pytest.mark.parametrize("kind", ["file", "garbage", "another"])
def test_a_folder_of_something_else(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "runs"
    if kind == "file":
        folder.write_text("a file")
    else:
        folder.mkdir()
    if kind == "garbage":
        (folder / "pools.db").write_text("no database, " * 100)
    if kind == "another":
        db = sqlite3.connect(folder / "pools.db")
        db.execute("CREATE TABLE other (id INT)")
        db.close()
    with pytest.raises(MiningError, match="Give another folder"):
        InstructionPools(folder)


def test_where_nothing_is_easy_yet_a_round_has_its_hard_half_alone(tmp_path: Path) -> None:
    world = World(
        referee=model("referee", lambda prompt: graded(9, 5) if "[Response A]\nteacher" in prompt else graded(5, 9))
    )
    found = mined(tmp_path, world, 8, rounds=2, writing=Writing(per_round=6))
    assert [one["accepted"] for one in found["rounds"]] == [{"hard": 3, "easy": 0}] * 2
    assert [(one["train"], one["cache"]) for one in found["rounds"]] == [(8, 8), (3, 11)]
    short = "0 of 3 new instructions from easy ones: there is no easy instruction to write from"
    assert [one["short"] for one in found["rounds"]] == [short] * 2
    assert found["stopped"] is None


def test_where_nothing_at_all_can_be_written_the_run_stops(tmp_path: Path) -> None:
    world = World(
        referee=model("referee", lambda prompt: graded(9, 5) if "[Response A]\nteacher" in prompt else graded(5, 9))
    )
    found = mined(tmp_path, world, 4, rounds=2, writing=Writing(per_round=6, share_hard=0.0))
    assert found["stopped"] == "0 of 6 new instructions from easy ones: there is no easy instruction to write from"
