"""STaR (Zelikman et al., 2203.14465): every iteration from the base, on what the student before reasoned rightly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.datasets.reading import read_dataset
from langdistill.errors import DatasetError, StudentError
from langdistill.lab import WEIGHTS
from langdistill.lab.coin import TASK
from langdistill.records import Problem
from langdistill.stores.opening import open_store
from langdistill.strategies.rationalization import create_rationalization
from langdistill.students.bases import base_digest
from langdistill.students.card import Student, read_student
from langdistill.students.train.star import star
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of
from langdistill.testing.models import ScriptedChatModel
from tests.trained import FEW

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]

CANARY = "zq-canary-50417"
PROBLEMS = [Problem(id=f"p{at:02}", question=f"What is {at} times 7?") for at in range(20)]
GOLD = {one.id: str(at * 7) for at, one in enumerate(PROBLEMS)}
ANSWERS = {one.question: GOLD[one.id] for one in PROBLEMS}
RECIPE = FEW.model_copy(update={"save_every": 1})


def reasons(model: Any) -> Any:
    return create_rationalization(model, answer_of=ANSWERS.get, hint=f"({CANARY} says that it is {{answer}}.)")


class Speakers:
    """In the place of the base and of each student: it is right at once of more questions each time, and follows most hints."""

    def __init__(self) -> None:
        self.who: list[str] = []

    def __call__(self, who: Path | Student) -> ScriptedChatModel:
        self.who.append(who.weights if isinstance(who, Student) else str(who))
        right = 8 + 4 * len(self.who)
        return ScriptedChatModel(script=lambda messages, number: self.says(messages, right))

    @staticmethod
    def says(messages: list[BaseMessage], right: int) -> str:
        text = messages[-1].text
        at = int(text.split()[2])
        if CANARY not in text:
            return f"I count {at} sevens.\nAnswer: {at * 7 if at < right else at + 1}"
        if at % 4 == 0:
            return f"{CANARY} says that it is so.\nAnswer: {at * 7}"
        return f"I count {at} sevens anew.\nAnswer: {at * 7 if at % 4 > 1 else at + 1}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Student], Speakers]:
    out, speakers = tmp_path_factory.mktemp("star") / "s", Speakers()
    found = star(
        reasons, PROBLEMS, GOLD, WEIGHTS, out, iterations=3, recipe=RECIPE, first_steps=4, growth=1.5, speaking=speakers
    )
    return out, found, speakers


def test_each_iteration_is_trained_from_the_base(made: tuple[Path, list[Student], Speakers], tmp_path: Path) -> None:
    """The same weights as of one training of the base on the data set, and other than of one that went on from the student before."""
    out, students, _ = made
    data, recipe = out / "iterations" / "2" / "data", students[1].last.recipe
    assert train(data, WEIGHTS, tmp_path / "s", recipe=recipe).weights == students[1].weights
    assert train(data, students[0], tmp_path / "s", recipe=recipe).weights != students[1].weights
    assert [len(one.stages) for one in students] == [1, 1, 1]


def test_the_card_tells_where_it_is_from(made: tuple[Path, list[Student], Speakers]) -> None:
    out, students, speakers = made
    assert [one.folder.name for one in students] == ["v1", "v2", "v3"]
    assert speakers.who == [str(WEIGHTS), students[0].weights, students[1].weights]
    hashes = [read_dataset(out / "iterations" / str(at) / "data").hash for at in (1, 2, 3)]
    assert [one.dataset_hash for one in students] == hashes
    assert [one.last.params for one in map(read_student, versions_of(out))] == [
        {"iteration": 1, "speaker": base_digest(WEIGHTS), "parent_dataset": None},
        {"iteration": 2, "speaker": students[0].weights, "parent_dataset": hashes[0]},
        {"iteration": 3, "speaker": students[1].weights, "parent_dataset": hashes[1]},
    ]
    assert [(one.last.objective, one.last.steps) for one in students] == [("star", 4), ("star", 6), ("star", 9)]


def test_what_is_right_is_learnt_and_hints_are_not(made: tuple[Path, list[Student], Speakers]) -> None:
    """Right at once are 12, 16 and 20; of the others a hint makes half right, and a quarter tells of it."""
    out, students, _ = made
    assert [one.measurements["star"] for one in students] == [
        {"problems": 20, "rows": 16, "rationalised": 4},
        {"problems": 20, "rows": 18, "rationalised": 2},
        {"problems": 20, "rows": 20, "rationalised": 0},
    ]
    for folder in (out / "iterations").glob("*/data"):
        assert not [file for file in folder.iterdir() if CANARY.encode() in file.read_bytes()]
        assert read_dataset(folder).manifest["supervised"] == ["correct"]
    [row] = [one for one in read_dataset(out / "iterations/1/data").rows() if one["problem"] == "p14"]
    assert row["prompt"][-1]["content"] == "What is 14 times 7?\nThink step by step."
    assert row["completion"][-1]["content"] == "I count 14 sevens anew.\nAnswer: 98"


def test_a_finished_run_does_nothing_again_and_goes_on_to_more_iterations(
    made: tuple[Path, list[Student], Speakers],
) -> None:
    out, students, _ = made

    def nobody(who: Any) -> Any:
        raise AssertionError("nothing is left to think about")

    settings: dict[str, Any] = {"recipe": RECIPE, "first_steps": 4, "growth": 1.5}
    again = star(reasons, PROBLEMS, GOLD, WEIGHTS, out, iterations=3, speaking=nobody, **settings)
    assert again == students
    with pytest.raises(AssertionError, match="nothing is left"):
        star(reasons, PROBLEMS, GOLD, WEIGHTS, out, iterations=4, speaking=nobody, **settings)
    with pytest.raises(StudentError, match="holds iterations with another base, recipe, seed"):
        star(reasons, PROBLEMS[1:], GOLD, WEIGHTS, out, iterations=3, speaking=nobody, **settings)


KILLED = """
import os, signal, sys
from pathlib import Path
from langdistill.lab import WEIGHTS
from langdistill.students.train.star import star
from tests.students.train.test_star import GOLD, PROBLEMS, RECIPE, Speakers, reasons

def tell(what, done, of):
    if (what, done) == ("iteration 2 trains", 3):
        os.kill(os.getpid(), signal.SIGKILL)

star(reasons, PROBLEMS, GOLD, WEIGHTS, Path(sys.argv[1]), iterations=2, recipe=RECIPE, first_steps=4, growth=1.5,
     speaking=Speakers(), on_progress=tell)
"""


def test_a_killed_run_goes_on_to_the_same_students(made: tuple[Path, list[Student], Speakers], tmp_path: Path) -> None:
    _, students, _ = made
    left = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "s")], env=os.environ, check=False)
    assert left.returncode == -signal.SIGKILL
    assert [path.name for path in versions_of(tmp_path / "s")] == ["v1"]
    told: list[tuple[str, int, int]] = []
    resumed = star(
        reasons, PROBLEMS, GOLD, WEIGHTS, tmp_path / "s", iterations=2, recipe=RECIPE, first_steps=4, growth=1.5,
        on_progress=lambda *now: told.append(now),
    )  # fmt: skip
    assert [one.weights for one in resumed] == [one.weights for one in students[:2]]
    assert {what for what, _, _ in told} == {"iteration 2 trains"}
    assert told[0][1] == 3, "from the checkpoint of the second update"


def test_questions_that_were_thought_over_are_not_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []
    fails = [True]

    def script(messages: list[BaseMessage], number: int) -> str:
        text = messages[-1].text
        if fails[0] and "What is 3 " in text:
            raise RuntimeError("the server is gone")
        asked.append(text)
        return Speakers.says(messages, 20)

    def run() -> list[Student]:
        return star(
            reasons, PROBLEMS[:6], GOLD, WEIGHTS, tmp_path / "s", iterations=1, recipe=RECIPE, first_steps=1,
            speaking=lambda who: ScriptedChatModel(script=script),
        )  # fmt: skip

    with pytest.raises(RuntimeError, match="the server is gone"):
        run()
    fails[0] = False
    [student] = run()
    assert student.measurements["star"]["rows"] == 6
    assert len(asked) == len(set(asked)) == 6


def test_where_nothing_is_right_there_is_nothing_to_learn(tmp_path: Path) -> None:
    wrong = dict.fromkeys(GOLD, "0.5")
    with pytest.raises(DatasetError, match=r"Iteration 1 has nothing to learn from. No row is left of 20 problems"):
        star(reasons, PROBLEMS, wrong, WEIGHTS, tmp_path / "s", iterations=1, recipe=RECIPE, speaking=Speakers())
    assert not versions_of(tmp_path / "s")


def test_the_lab_model_teaches_itself(tmp_path: Path) -> None:
    """No script: the lab model reasons about coins, and its student after it."""
    drawn = TASK.draw(12, seed=5, pool="train")
    answers = {one.question: drawn.gold[one.id] for one in drawn.problems}
    first, second = star(
        lambda model: create_rationalization(model, answer_of=answers.get),
        drawn.problems,
        drawn.gold,
        WEIGHTS,
        tmp_path / "s",
        iterations=2,
        recipe=RECIPE,
        first_steps=2,
    )
    store = open_store(tmp_path / "s/iterations/2/traces.db")
    spoken = {call.model for trace in store.traces() for call in trace.calls}
    store.close()
    assert spoken == {str(first.folder)}
    assert second.last.params["parent_dataset"] == first.dataset_hash
    assert first.measurements["star"]["rows"] > 9
