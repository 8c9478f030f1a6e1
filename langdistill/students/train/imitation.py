"""The student of a mining run, trained round by round on what its teacher said (Jiang et al., 2305.12870, section 3.1).

Each round goes on from the student before and sees the new answers alone; every student is a version in one folder. It is what the
graph of `langdistill.mining` takes as its `trainer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import Dataset, read_dataset
from langdistill.datasets.targets.node import node
from langdistill.records import Trace, digest
from langdistill.students.card import Student, read_student, student_at
from langdistill.students.serving.adapters import Adapters
from langdistill.students.serving.endpoint import Served
from langdistill.students.train.objective import Objective
from langdistill.students.train.progress import OnProgress
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of

LORA = Recipe(epochs=3)
"""The usual adapter, for as many passes as the paper's; its own recipe is `recipe.LION`."""

TEACHER = "teacher"
"""The node whose replies are learnt."""

Speaking = Callable[[Student], BaseChatModel]


class Lesson(Protocol):
    """What is to be learnt."""

    @property
    def round(self) -> int:
        """From 1."""
        ...

    @property
    def traces(self) -> Sequence[Trace]:
        """Each with an answer, the reply of a call in the node "teacher"."""
        ...

    @property
    def student(self) -> str | None:
        """Folder of the student so far; `None` before the first round."""
        ...


def in_process(student: Student) -> BaseChatModel:
    """The student as a chat model of this process."""
    return student.local()


def on_server(server: str | Served, api_key: str | None = None, **knobs: Any) -> Speaking:
    """Students on a running `langdistill serve`: each version is loaded under its own name, which no other weights ever have.

    Args:
        server: its address, or the server itself; it sees the same folders.
        api_key: its key; by default the server's own, or that of the environment variable `LANGDISTILL_API_KEY`.
        knobs: of `ReasoningChatOpenAI`.
    """
    adapters = Adapters(server, api_key)

    def speaking(student: Student) -> BaseChatModel:
        return adapters.chat_model(adapters.load(student), **knobs)

    return speaking


@dataclass(frozen=True)
class Imitation:
    """Trains the students of a mining run, by default as LoRA adapters."""

    base: str | Path
    """The base model's folder or its name on the hub, or a student's folder: what the first round is trained from."""
    out: Path
    """Folder of the student's versions; their data sets lie in `lessons` below it."""
    recipe: Recipe = LORA
    objective: Objective | str = "sft"
    seed: int = 0
    speaking: Speaking = in_process
    """From a student to the chat model that mining asks: in this process, or `on_server`."""
    on_progress: OnProgress | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further ones of `train`: `pilot`, `choice`, `force`."""

    def train(self, lesson: Lesson) -> str:
        """Teach the student of the round before, and give the folder of the new version.

        With the same lesson again it goes on where it was, and gives the version that is there.

        Raises:
            StudentError: the base cannot be trained, or the student before is gone.
            DatasetError: the lesson holds nothing that can be learnt.
            MissingExtra: torch, trl or peft is not installed.
        """
        before = read_student(lesson.student) if lesson.student else None
        data = self._dataset(lesson)
        known = self._known(data, before)
        student = known or train(
            data.path,
            before or self.base,
            self.out,
            objective=self.objective,
            recipe=self.recipe,
            seed=self.seed,
            on_progress=self.on_progress,
            **self.knobs,
        )
        return str(student.folder)

    def student(self, name: str) -> BaseChatModel:
        """The student in a folder that `train` gave, as it is asked.

        Raises:
            StudentError: it is gone.
        """
        return self.speaking(read_student(name))

    def _dataset(self, lesson: Lesson) -> Dataset:
        mark = digest([[one.id, one.problem] for one in lesson.traces])[:8]
        place = self.out / "lessons" / f"round-{lesson.round}-{mark}"
        if place.exists():
            return read_dataset(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        return harvest(lesson.traces).target(node(TEACHER)).write(place, validation=0, seed=self.seed)

    def _known(self, data: Dataset, before: Student | None) -> Student | None:
        """The version of a lesson, where an earlier process made it."""
        start = before or student_at(self.base)
        stages = start.stages if start else []
        for path in versions_of(self.out):
            one = read_student(path)
            told = (one.dataset_hash, one.last.recipe, one.last.seed, one.stages[:-1])
            if told == (data.hash, self.recipe, self.seed, stages):
                return one
        return None
