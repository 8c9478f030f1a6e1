"""A mining run that trains the real lab model between its rounds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from langdistill.answers import final_answer
from langdistill.lab import WEIGHTS
from langdistill.lab.letters import TASK
from langdistill.mining.discriminating import Judging
from langdistill.mining.generating import Writing
from langdistill.mining.miner import create_instruction_miner
from langdistill.mining.pools import InstructionPools
from langdistill.students.card import read_student
from langdistill.students.train.imitation import Imitation
from langdistill.students.versioned import versions_of
from langdistill.testing.models import OneReplyChatModel
from tests.trained import FEW

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

SEEDS = [one.question for one in TASK.draw(12, seed=3, pool="train").problems]
FRESH = [one.question for one in TASK.draw(200, seed=4, pool="train").problems]
ANSWERING = {"temperature": 0.7, "max_tokens": 24}


def between(text: str, start: str, end: str) -> str:
    return text.split(start)[1].split(end)[0].strip()


def exact(messages: list[Any], number: int) -> str:
    return f'Answer: "{TASK.truth(messages[-1].text)}"'


def right(messages: list[Any], number: int) -> str:
    text = messages[-1].text
    truth = TASK.truth(between(text, "[Request]", "[Response A]"))
    said = between(text, "[Response A]", "[Response B]"), between(text, "[Response B]", "[End]")
    first, second = (9 if final_answer(one) == truth else 4 for one in said)
    return f"Evidence.\nScore of A: {first}\nScore of B: {second}"


def another(messages: list[Any], number: int) -> str:
    return FRESH[number]


def mined(folder: Path, **knobs: Any) -> tuple[dict[str, Any], InstructionPools, list[OneReplyChatModel]]:
    models = [
        OneReplyChatModel(script=script, model=name)
        for name, script in {"teacher": exact, "referee": right, "generator": another}.items()
    ]
    teacher, referee, generator = models
    pools = InstructionPools(folder / "pools")
    miner = create_instruction_miner(
        teacher, f"local:{WEIGHTS}", referee, generator, pools=pools, rounds=2, judging=Judging(),
        writing=Writing(per_round=4, rouge_l=1.0, share_hard=1.0),
        trainer=Imitation(WEIGHTS, folder / "students", recipe=FEW), answering=ANSWERING, **knobs,
    )  # fmt: skip
    return miner.invoke({"seeds": pools.add(SEEDS)}), pools, models


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], InstructionPools]:
    folder = tmp_path_factory.mktemp("mined")
    found, pools, _ = mined(folder)
    return folder, found, pools


def test_a_version_a_round_each_from_the_one_before(run: tuple[Path, dict[str, Any], InstructionPools]) -> None:
    folder, found, _ = run
    versions = [read_student(path) for path in versions_of(folder / "students")]
    assert [len(one.stages) for one in versions] == [1, 2, 3]
    assert [one.last.rows for one in versions] == [12, 4, 4]
    assert found["student"] == str(versions[-1].folder)
    assert len({one["student"] for one in found["rounds"]}) == 2
    assert found["stopped"] is None
    assert len(found["cache"]) == 20


def test_run_again_it_asks_and_trains_nothing(run: tuple[Path, dict[str, Any], InstructionPools]) -> None:
    folder, found, pools = run
    pools.close()
    before = [read_student(path).weights for path in versions_of(folder / "students")]
    again, pools, models = mined(folder)
    pools.close()
    assert again == found
    assert [len(one.prompts) for one in models] == [0, 0, 0]
    assert [read_student(path).weights for path in versions_of(folder / "students")] == before


def test_a_version_that_was_made_before_the_kill_is_taken(run: tuple[Path, dict[str, Any], InstructionPools]) -> None:
    folder, found, _ = run
    with closing(
        sqlite3.connect(folder / "pools/pools.db")
    ) as file:  # as if it had died between the training and its note
        file.execute("DELETE FROM finished WHERE stage LIKE 'train %'")
        file.commit()
    again, pools, _ = mined(folder)
    pools.close()
    assert (again["student"], len(versions_of(folder / "students"))) == (found["student"], 3)
