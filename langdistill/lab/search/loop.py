"""Searches by the lab model on its chained arithmetic, start to end: teach the prompts, then ask every arm the same questions.

Of questions of the pool `train` two adapters of the lab model learn the prompts (`lessons`), each of other questions and by another
seed: the generator, which every arm uses, and the discriminator. They sample at a temperature at which they slip. Gold answers grade what
comes out; nothing else sees them. Each step leaves its result in the folder and is passed over when it is found there.
"""

from __future__ import annotations

import re
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import Dataset, read_dataset
from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.evaluation.kept import Kept
from langdistill.evaluation.together import together
from langdistill.lab import WEIGHTS
from langdistill.lab.arithmetic import TASK
from langdistill.lab.draws import Draw
from langdistill.lab.processes import Progress
from langdistill.lab.search.arms import Models, Outcome
from langdistill.lab.search.lessons import lessons
from langdistill.lab.search.reading import ReadingChatModel
from langdistill.records import Problem, Record
from langdistill.students.card import Student, read_student
from langdistill.students.train.recipe import MINIATURE, Recipe
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of

Name = Literal["generator", "discriminator"]
OTHERS: dict[Name, int] = {"generator": 0, "discriminator": 1000}
"""What is added to the seed: the second model learns on other questions, and is another adapter."""
AT_ONCE = 80
"""Questions under way at a time."""


class Settings(Record):
    """Sizes, and how adapters are trained; found on the pools `train` and `dev`."""

    problems: int = 500
    """Of the pool `train`; each gives a lesson of every kind."""
    temperature: float = 1.2
    """Of all replies but judgements."""
    dev: int = 60
    """Questions that the temperature was found on."""
    final: int = 32
    """Questions that figures are of."""
    max_tokens: int = 100
    """Of a reply; the longest lesson has about 60."""
    recipe: Recipe = MINIATURE.model_copy(
        update={"learning_rate": 3e-3, "steps": 150, "packing": True, "batch_size": 5}
    )
    """Packed: about thirty lessons an update."""


class Arm(Protocol):
    """A way to come to an answer."""

    def run(self, models: Models, question: str, seed: int) -> Outcome:
        """What becomes of a question."""
        ...


@dataclass(frozen=True)
class SearchLoop:
    """One seed and the folder of what comes of it: its own questions, adapters and samples."""

    seed: int
    folder: Path
    progress: Progress
    settings: Settings = field(default_factory=Settings)

    def dataset(self, name: Name) -> Dataset:
        """The lessons of an adapter."""
        place, seed = self.folder / "data" / name, self.seed + OTHERS[name]
        if not place.exists():
            drawn = TASK.draw(self.settings.problems, seed=seed, pool="train")
            shown = [lesson for one in drawn.problems for lesson in lessons(one.id, one.question, seed)]
            harvest(shown).target(whole_agent()).write(place, format="trl", seed=seed, validation=0)
        return read_dataset(place)

    def student(self, name: Name) -> Student:
        """An adapter, trained unless it is there."""
        place = self.folder / "students" / name
        if not versions_of(place):
            train(self.dataset(name).path, WEIGHTS, place, objective="sft", recipe=self.settings.recipe,
                  seed=self.seed + OTHERS[name], on_progress=lambda now: self._tell(f"train {name}", now.step, now.steps))  # fmt: skip
        return read_student(place)

    @cached_property
    def models(self) -> Models:
        """Both adapters as chat models."""
        return Models(self._model("generator"), self._model("discriminator"))

    def _model(self, name: Name) -> ReadingChatModel:
        s, adapter = self.settings, self.student(name).local()
        return ReadingChatModel(
            model=adapter.model,
            adapter=adapter.adapter,
            seed=self.seed,
            temperature=s.temperature,
            max_tokens=s.max_tokens,
        )

    def questions(self, pool: Literal["dev", "final"]) -> Draw:
        """What the arms are asked."""
        return TASK.draw(getattr(self.settings, pool), seed=self.seed, pool=pool)

    def outcomes(self, name: str, arm: Arm, pool: Literal["dev", "final"] = "final") -> dict[str, Outcome]:
        """What becomes of every question of a pool, by its id.

        Args:
            name: of the folder that it is kept in.
            arm: who answers.
            pool: "dev" or "final".
        """
        models, problems = self.models, self.questions(pool).problems
        fingerprint = {
            "arm": _told(arm),
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
        }

        def answer(problem: Problem) -> Outcome:
            return arm.run(models, problem.question, self.seed)

        with closing(Kept(self.folder / "runs" / f"{name}-{pool}", fingerprint, Outcome)) as kept:
            began, left = time.monotonic(), [one for one in problems if one.id not in kept.known]
            for problem, outcome in together(answer, left, AT_ONCE):
                kept.known[problem.id] = outcome
                kept.add(problem.id, outcome, time.monotonic() - began)
                self._tell(f"{pool}, {name}", len(kept.known), len(problems))
            return {one.id: kept.known[one.id] for one in problems}

    def _tell(self, step: str, done: int, of: int) -> None:
        self.progress(f"seed {self.seed}: {step}", done, of)


def _told(arm: Arm) -> str:
    """What decides an arm's answers; functions by their names."""
    return re.sub(r" at 0x\w+", "", repr(arm))
