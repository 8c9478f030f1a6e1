"""STaR: a student learns from its own right reasoning, again and again, each time from the base.

Source: Zelikman et al. (2203.14465). An iteration: the student of the one before reasons about every problem; what ends in the
right answer is kept; what does not is reasoned once more with the answer as a hint, and what is right then is kept without the
hint; on all that the base is trained, never the last student, which would overfit. 40 updates in the first iteration and 1.2 times
as many in each that follows, as in the authors' repository.

How a model reasons, and with which hint, is a graph of the caller's: `create_rationalization` is the paper's. Every run of it is
recorded; what is learnt is harvested from the traces like any other data set. Gold answers are read by that graph and by the
filter `correct`, and by nothing else here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig

from langdistill.datasets.harvest import harvest
from langdistill.datasets.reading import Dataset, read_dataset
from langdistill.datasets.rendering import Rendering
from langdistill.datasets.renderings.zero_shot_cot import zero_shot_cot
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.errors import DatasetError, StudentError
from langdistill.filters.correct import correct
from langdistill.filters.gold import Gold, gold_of
from langdistill.filters.no_hint import no_hint
from langdistill.folders import write_whole
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Problem, digest
from langdistill.stores.opening import open_store
from langdistill.students.bases import base_digest, base_folder
from langdistill.students.card import Student, read_student
from langdistill.students.local import LocalChatModel
from langdistill.students.train.objectives.sft import Sft
from langdistill.students.train.recipe import ORDINARY, Recipe
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of

FIRST_STEPS, GROWTH = 40, 1.2
"""Updates of the first iteration, and by how much each has more than the one before (Zelikman et al.)."""
AT_ONCE = 100
"""Problems under way at a time."""
SETTINGS = "settings.sha256"

Speaking = Callable[[Path | Student], BaseChatModel]
Told = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Star(Sft):
    """What a student of an iteration learnt: supervised fine-tuning, and where its texts are from. Made by `star`."""

    iteration: int
    """From 1."""
    speaker: str
    """SHA-256 of who spoke the texts: of the weights of the student before, or what tells the base."""
    parent_dataset: str | None
    """Hash of the data set that the speaker learnt from; `None` for the base."""


def in_process(who: Path | Student) -> BaseChatModel:
    """A base or a student as a chat model of this process, greedy, with replies of at most 256 tokens."""
    return who.local(max_tokens=256) if isinstance(who, Student) else LocalChatModel(model=str(who), max_tokens=256)


def star(
    think: Callable[[BaseChatModel], Runnable[Any, Any]],
    problems: Sequence[Problem],
    gold: Mapping[str, str] | str | Path,
    base: str | Path,
    out: str | Path,
    *,
    iterations: int = 3,
    recipe: Recipe = ORDINARY,
    first_steps: int = FIRST_STEPS,
    growth: float = GROWTH,
    rendering: Rendering | None = None,
    speaking: Speaking = in_process,
    seed: int = 0,
    on_progress: Told | None = None,
) -> list[Student]:
    """Train a student on its own right reasoning, iteration by iteration.

    `out` has a version of the student for each iteration, and beside them what each was made of: the recorded runs and the data set,
    in `iterations/1` and so on. Started again it goes on where it stopped: with the problem, the data set or the update. With a
    larger number of iterations it goes on from the last. Other settings in the same folder are refused; `think` and `speaking` are
    functions, and taken to be the same.

    Args:
        think: from a chat model to the graph that reasons, twice where need be: `lambda model: create_rationalization(model,
            answer_of=...)`.
        problems: to reason about; the same in each iteration.
        gold: problem to answer, or a file of them, for the filter `correct`.
        base: the base model's folder, or its name on the hub. Every iteration is trained from it.
        out: folder of the student's versions.
        iterations: how many.
        recipe: of every training; its `steps` are not used.
        first_steps: updates of the first iteration.
        growth: by how much each has more than the one before.
        rendering: how the kept reasoning is written; by default the question with "Think step by step." and reasoning with answer.
        speaking: from the base's folder or a student to a chat model, such as one on a server.
        seed: of the trainings.
        on_progress: told of each stage: "iteration 2 thinks", "iteration 2 trains".

    Returns:
        The student of each iteration, oldest first; its card tells iteration, speaker and the data set before.

    Raises:
        DatasetError: no problem of an iteration was answered right, or the gold answers cannot be read.
        StudentError: the base cannot be trained, or `out` holds iterations with other settings.
        MissingExtra: torch, trl or peft is not installed.
    """
    folder = base_folder(base)
    run = _Run(
        think, problems, gold_of(gold), base, folder, Path(out), recipe, first_steps, growth,
        rendering or zero_shot_cot(), speaking, seed, on_progress or (lambda what, done, of: None),
    )  # fmt: skip
    run.claim()
    students: list[Student] = []
    for number in range(1, iterations + 1):
        students.append(run.iteration(number, students[-1] if students else None))
    return students


@dataclass(frozen=True)
class _Run:
    think: Callable[[BaseChatModel], Runnable[Any, Any]]
    problems: Sequence[Problem]
    gold: Gold
    base: str | Path
    folder: Path
    out: Path
    recipe: Recipe
    first_steps: int
    growth: float
    rendering: Rendering
    speaking: Speaking
    seed: int
    tell: Told

    def claim(self) -> None:
        """Take `out`, or find it with the same settings.

        Raises:
            StudentError: it has others.
        """
        asked = [problem.model_dump() for problem in self.problems]
        written = [self.recipe.model_dump(), self.first_steps, self.growth, self.rendering.name, self.rendering.params]
        settings = digest(base_digest(self.folder), asked, dict(self.gold.answers), written, str(self.seed))
        mark = self.out / "iterations" / SETTINGS
        if mark.is_file() and mark.read_text() != settings:
            raise StudentError(
                f"{str(self.out)!r} holds iterations with another base, recipe, seed, rendering or other problems. Give another folder."
            )
        mark.parent.mkdir(parents=True, exist_ok=True)
        write_whole(mark, settings)

    def iteration(self, number: int, before: Student | None) -> Student:
        """The student of an iteration, from wherever an earlier process left it."""
        place = self.out / "iterations" / str(number)
        if not (place / "data").exists():
            self._think(place / "traces.db", before, f"iteration {number} thinks")
        data = self._data(place, number)
        speaker = before.weights if before else base_digest(self.folder)
        objective = Star(number, speaker, before.dataset_hash if before else None)
        student = self._trained(objective, data) or self._train(objective, data)
        rows, hinted = len(data.rows()), int(data.manifest.get("hint_used", 0))
        found = {"problems": len(self.problems), "rows": rows, "rationalised": hinted}
        return student if student.measurements.get("star") == found else student.measured("star", found)

    def _think(self, traces: Path, before: Student | None, what: str) -> None:
        traces.parent.mkdir(parents=True, exist_ok=True)
        with closing(open_store(traces)) as store:
            known = {trace.problem for trace in store.traces() if trace.outcome == "ended"}
        left = [problem for problem in self.problems if problem.id not in known]
        graph, recorder = self.think(self.speaking(before or self.folder)), TraceRecorder(traces)
        try:
            for start in range(0, len(left), AT_ONCE):
                self.tell(what, len(known) + start, len(self.problems))
                some = left[start : start + AT_ONCE]
                configs = [
                    RunnableConfig(callbacks=[recorder], metadata=one.metadata, max_concurrency=AT_ONCE) for one in some
                ]
                graph.batch([{"messages": [("user", one.question)]} for one in some], configs)
        finally:
            recorder.close()

    def _data(self, place: Path, number: int) -> Dataset:
        if (place / "data").exists():
            return read_dataset(place / "data")
        kept = harvest(place / "traces.db", outcome="ended").target(with_reasoning)
        plan = kept.filter(correct(self.gold.answers), no_hint()).render(self.rendering)
        try:
            return plan.write(place / "data", validation=0, seed=self.seed)
        except DatasetError as error:
            raise DatasetError(f"Iteration {number} has nothing to learn from. {error}") from error

    def _trained(self, objective: Star, data: Dataset) -> Student | None:
        """The student of an iteration, where it is there."""
        found = (read_student(path) for path in versions_of(self.out))
        told = (objective.name, objective.params, data.hash)
        return next((one for one in found if (one.last.objective, one.last.params, one.dataset_hash) == told), None)

    def _train(self, objective: Star, data: Dataset) -> Student:
        steps = round(self.first_steps * self.growth ** (objective.iteration - 1))
        what = f"iteration {objective.iteration} trains"
        return train(
            data.path,
            self.base,
            self.out,
            objective=objective,
            recipe=self.recipe.model_copy(update={"steps": steps}),
            seed=self.seed,
            on_progress=lambda now: self.tell(what, now.step, now.steps),
        )
