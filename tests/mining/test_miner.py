"""The graph and its stages: however they are run, wherever they stand, whenever they stop."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from langdistill import create_rephrase_and_respond
from langdistill.errors import MiningError
from langdistill.mining.discriminating import discrimination
from langdistill.mining.generating import Writing, generation
from langdistill.mining.imitating import imitation
from langdistill.mining.pools import InstructionPools
from langdistill.mining.training import HandedOver, trained
from tests.mining.scripted import School, World, mined, model, number_in, student_says, teacher_says, topic

CONFIG: Any = {"configurable": {"thread_id": "mine"}}
WRITING = Writing(per_round=4)


def seeded(pools: InstructionPools, seeds: int = 8) -> list[str]:
    return pools.add(topic(at) for at in range(seeds))


async def test_it_runs_alike_now_and_later(tmp_path: Path) -> None:
    found = mined(tmp_path / "now", World(), 8, trainer=School())
    assert [one["accepted"] for one in found["rounds"]] == [{"hard": 3, "easy": 3}] * 3
    with InstructionPools(tmp_path / "later") as pools:
        later = await World().miner(pools, trainer=School()).ainvoke({"seeds": seeded(pools)})
    assert later == found
    with InstructionPools(tmp_path / "one") as pools:
        alone = World().miner(pools, trainer=School()).invoke({"seeds": seeded(pools)}, {"max_concurrency": 1})
    assert alone == found


class Mine(TypedDict, total=False):
    """A state of somebody's own."""

    train: list[str]
    cache: list[str]
    hard: list[str]
    easy: list[str]
    taught: str
    student: str | None
    round: int
    rounds: list[dict[str, Any]]


def own(world: World, pools: InstructionPools, school: School) -> Any:
    """One round of stages, wired by hand."""
    graph: Any = StateGraph(Mine)
    nodes = {
        "teach": imitation(world.teacher, pools=pools),
        "learn": trained(school, pools=pools),
        "sort": discrimination(
            world.teacher, lambda state: school.student(state["student"]), world.referee, pools=pools
        ),
        "write": generation(world.generator, pools=pools, writing=Writing(per_round=6)),
    }
    graph.add_sequence(list(nodes.items()))
    graph.add_edge(START, "teach")
    graph.add_conditional_edges("write", lambda state: "teach" if state["round"] <= 3 else END, ["teach", END])
    return graph.compile()


def test_the_stages_are_nodes_of_any_graph(tmp_path: Path) -> None:
    with InstructionPools(tmp_path / "own") as pools:
        ids = seeded(pools)
        found = own(World(), pools, School()).invoke({"train": ids, "cache": ids, "round": 1})
    miner = mined(tmp_path / "miner", World(), 8, trainer=School())
    assert (found["train"], found["cache"], found["rounds"]) == (miner["train"], miner["cache"], miner["rounds"])


def test_a_stage_by_itself(tmp_path: Path) -> None:
    world, school = World(), School()
    with InstructionPools(tmp_path) as pools:
        ids = seeded(pools)
        taught = imitation(world.teacher, pools=pools).invoke({"train": ids})
        assert trained(school, pools=pools).invoke({"train": ids, **taught}) == {"student": "student-1"}
        assert [one.output[0]["content"] for one in school.lessons[0].traces] == [f"teacher on {at}" for at in range(8)]
        with pytest.raises(KeyError, match="cache"):
            discrimination(world.teacher, world.student, world.referee, pools=pools).invoke({})


class Parent(TypedDict, total=False):
    """A state that shares some of the miner's keys."""

    seeds: list[str]
    cache: list[str]
    said: str


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
async def test_it_nests_in_a_parent(tmp_path: Path, how: str) -> None:
    with InstructionPools(tmp_path / "parent") as pools:
        graph: Any = StateGraph(Parent)
        graph.add_node("mine", World().miner(pools, trainer=School()))
        graph.add_node("count", lambda state: {"said": f"{len(state['cache'])} instructions"})
        graph.add_sequence([("end", lambda state: {})])
        graph.add_edge(START, "mine")
        graph.add_edge("mine", "count")
        graph.add_edge("count", "end")
        parent, given = graph.compile(checkpointer=InMemorySaver()), {"seeds": seeded(pools)}
        found = parent.invoke(given, CONFIG) if how == "invoke" else await parent.ainvoke(given, CONFIG)
    assert found["said"] == "26 instructions"
    assert found["cache"] == mined(tmp_path / "alone", World(), 8, trainer=School())["cache"]


@pytest.mark.parametrize("role", ["student", "referee", "generator"])
def test_a_run_that_failed_goes_on_from_its_checkpoint(tmp_path: Path, role: str) -> None:
    """What is left of it is done, and what had been paid is not paid again."""
    saver, whole = InMemorySaver(), World()
    expected = mined(tmp_path / "whole", whole, 8, rounds=1)
    down = World(**{role: model(role if role != "student" else "student-0", failing)})
    with InstructionPools(tmp_path / "failed") as pools:
        ids = seeded(pools)
        with pytest.raises(Exception, match=rf"The {role} \({role}.*\) gave none of \d+ replies: it is down"):
            down.miner(pools, rounds=1, checkpointer=saver).invoke({"seeds": ids}, CONFIG)
        up = World()
        found = up.miner(pools, rounds=1, checkpointer=saver).invoke(None, CONFIG)
    assert found == expected
    paid = {name: up.calls()[name] + (down.calls()[name] if name != role else 0) for name in up.calls()}
    assert paid == whole.calls()


def failing(prompt: str) -> str:
    raise ConnectionError("it is down")


def test_a_trainer_of_ones_own(tmp_path: Path) -> None:
    school, told = School(), []
    trainer = HandedOver(loads=school.student)
    with InstructionPools(tmp_path / "handed") as pools:
        ids = seeded(pools)
        miner = World().miner(pools, trainer=trainer, checkpointer=InMemorySaver())
        found = miner.invoke({"seeds": ids}, CONFIG)
        while "__interrupt__" in found:
            told.append(found["__interrupt__"][0].value)
            found = miner.invoke(Command(resume=f"student-{len(told)}"), CONFIG)
        lessons = [[json.loads(row) for row in Path(one["lesson"]).read_text().splitlines()] for one in told]
        written = [pools.instructions(found["cache"][:8]), pools.instructions(found["train"])]
    expected = mined(tmp_path / "trained", World(), 8, trainer=School())
    assert found == expected
    place = tmp_path / "handed" / "lessons"
    assert told == [
        {"round": at + 1, "student": before, "lesson": str(place / f"round-{at + 1}.jsonl"), "rows": rows}
        for at, (before, rows) in enumerate([(None, 8), ("student-1", 6), ("student-2", 6), ("student-3", 6)])
    ]
    for rows, instructions in ((lessons[0], written[0]), (lessons[3], written[1])):
        assert rows == [
            {
                "messages": [
                    {"role": "user", "content": one.request},
                    {"role": "assistant", "content": f"teacher on {number_in(one.text)}"},
                ]
            }
            for one in instructions
        ]


@pytest.mark.parametrize("answer", ["", None, 7, {"name": "student"}])
def test_it_is_resumed_with_the_name_of_a_student_alone(tmp_path: Path, answer: Any) -> None:
    with InstructionPools(tmp_path) as pools:
        miner = World().miner(pools, trainer=HandedOver(), checkpointer=InMemorySaver())
        miner.invoke({"seeds": seeded(pools)}, CONFIG)
        with pytest.raises(MiningError, match="resume it with the name of the trained student"):
            miner.invoke(Command(resume={"x": 1} if answer is None else answer), CONFIG)


def test_no_text_is_in_a_checkpoint(tmp_path: Path) -> None:
    """Ids and figures only, whatever the pools say; seen in the bytes of the checkpointer's file."""
    with InstructionPools(tmp_path) as pools, SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
        ids = pools.add({"instruction": topic(at), "input": f"marked input {at}"} for at in range(8))
        found = World().miner(pools, trainer=School(), checkpointer=saver).invoke({"seeds": ids}, CONFIG)
        assert len(found["rounds"]) == 3
        texts = {one.text for one in pools.instructions(found["cache"])}
    with sqlite3.connect(tmp_path / "checkpoints.db") as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        held = b"\n".join(
            value if isinstance(value, bytes) else str(value).encode()
            for table in tables
            for row in db.execute(f"SELECT * FROM {table}")
            for value in row
        )
    db.close()
    assert all(id.encode() in held for id in found["cache"])
    assert b"share_hard" in held
    for word in (
        b"topic",
        b"Explain",
        b"marked input",
        b"teacher on",
        b"student 0 on",
        b"Score of",
        *map(str.encode, texts),
    ):
        assert word not in held, word


def test_a_graph_as_teacher_and_as_student(tmp_path: Path) -> None:
    """Two graphs of one name are two models: each is asked, and neither's answers are taken for the other's."""

    def thinking(name: str, says: Any) -> Any:
        def reply(prompt: str) -> str:
            return f"topic{number_in(prompt)}?" if prompt.count("topic") == 1 else says(prompt)

        return create_rephrase_and_respond(model(name, reply))

    world = World()
    graphs: Mapping[str, Any] = {
        "teacher": thinking("slow", teacher_says),
        "student": thinking("fast", student_says(0)),
    }
    with InstructionPools(tmp_path) as pools:
        ids = seeded(pools)
        node = discrimination(graphs["teacher"], graphs["student"], world.referee, pools=pools)
        found = node.invoke({"cache": ids})
        assert found["rounds"][0]["judged"] == 8
        assert found["hard"]
        shown = world.referee.prompts[0][-1].text
        assert "teacher on" in shown
        assert "student 0 on" in shown
        again = discrimination(graphs["teacher"], thinking("faster", student_says(9)), world.referee, pools=pools)
        better = again.invoke({"cache": ids, "student": "student-9", "round": 2})
        assert better["hard"] == [], "the next version of a graph of that name is asked anew"


@pytest.mark.parametrize("rounds", [1, 8])
def test_many_rounds(tmp_path: Path, rounds: int) -> None:
    found = mined(tmp_path, World(), 6, rounds=rounds, writing=Writing(per_round=2))
    assert len(found["cache"]) == 6 + 2 * rounds
    assert [one["round"] for one in found["rounds"]] == list(range(1, rounds + 1))


def test_provenance_goes_on_every_run(tmp_path: Path) -> None:
    with InstructionPools(tmp_path) as pools:
        miner = World().miner(pools, rounds=2)
        assert miner.config["metadata"] == {"strategy": "mine", "params": {"rounds": 2, "tau": 1.0, "per_round": 6}}
