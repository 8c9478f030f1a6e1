"""Between two rounds: the student learns what the teacher said, by `langdistill.students` or by a trainer of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from langchain_core.runnables import RunnableLambda
from langgraph.types import interrupt

from langdistill.errors import MiningError
from langdistill.mining.mined import trace_of, write_lines
from langdistill.mining.pools import InstructionPools
from langdistill.mining.stages import Model
from langdistill.records import Trace, digest

LESSONS = "lessons"


@dataclass(frozen=True)
class Lesson:
    """What a student is to learn in a round: the new instructions alone, for it goes on from the student before."""

    round: int
    """From 1."""
    traces: Sequence[Trace]
    """An answer of the teacher each, the reply of a call of the node "teacher"."""
    student: str | None
    """Name of the student so far; `None` for the one that the run began with."""
    pools: Path
    """Folder of the run."""


class Trainer(Protocol):
    """Trains students; `langdistill.students.train.imitation` is one."""

    def train(self, lesson: Lesson) -> str:
        """Teach the student a lesson; the name of the student that comes of it, which no other student ever has.

        Called again with the same lesson, after a crash, it goes on where it stopped.
        """
        ...

    def student(self, name: str) -> Model:
        """The student of a name, as it is asked."""
        ...


@dataclass(frozen=True)
class HandedOver:
    """A trainer of the user's own: the graph stops with an interrupt, and goes on with the name of the new student.

        graph.invoke(Command(resume="openai:my-student-2"), config)

    The interrupt tells the round, the student so far, and the file of the lesson: JSON lines with `messages`.
    """

    loads: Callable[[str], Model] = str
    """From the name to the student; by default the name is a model's, such as "openai:my-student-2" or "local:students/mine"."""

    def train(self, lesson: Lesson) -> str:
        """Write the lesson, stop, and take the name that the run is resumed with.

        Raises:
            MiningError: it is resumed with something else.
        """
        place = lesson.pools / LESSONS / f"round-{lesson.round}.jsonl"
        place.parent.mkdir(exist_ok=True)
        write_lines(({"messages": [*one.input, *one.output]} for one in lesson.traces), place)
        told = {"round": lesson.round, "student": lesson.student, "lesson": str(place), "rows": len(lesson.traces)}
        name = interrupt(told)
        if not isinstance(name, str) or not name:
            raise MiningError(f"The run was resumed with {name!r}; resume it with the name of the trained student.")
        return name

    def student(self, name: str) -> Model:
        """The student of a name."""
        return self.loads(name)


def trained(trainer: Trainer, *, pools: InstructionPools) -> RunnableLambda[Any, Any]:
    """A node in which the student learns what the teacher `taught` about the state's `train`.

    Args:
        trainer: who trains.
        pools: of the run.
    """

    def train(state: Mapping[str, Any]) -> dict[str, Any]:
        lesson = _lesson(state, pools)
        mark = (
            f"train {lesson.round} {digest([one.id for one in lesson.traces], state['taught'], lesson.student or '')}"
        )
        known = pools.finished(mark)
        if known is None:
            known = {"student": trainer.train(lesson)}
            pools.finish(mark, known)
        return known

    return RunnableLambda(train, name="train")


def _lesson(state: Mapping[str, Any], pools: InstructionPools) -> Lesson:
    answers = pools.answers(state["train"], state["taught"])
    known = [one for one in pools.instructions(state["train"]) if answers.get(one.id, "").strip()]
    if not known:
        raise MiningError("The teacher has answered none of the instructions that the student is to learn.")
    traces = [trace_of(one, answers[one.id], state["taught"]) for one in known]
    return Lesson(state.get("round", 1), traces, state.get("student"), pools.folder)
