"""The whole loop on one task: think, record, harvest, filter, train, evaluate. What `langdistill demo` runs.

Every arm starts from the same base weights (Yu et al., 2407.06023): System 1; System 2 greedy; System 2 by majority; a student
distilled from filtered System-2 answers; one from unfiltered ones; and the paper's control, a student of System 1's own
majority. Each step leaves its result in the work folder and is passed over when it is found there, so a run that was
interrupted goes on where it stopped. Gold answers are handed to the evaluation and to nothing before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import same
from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.reading import Dataset, read_dataset
from langdistill.datasets.targets.final_answer import final_answer
from langdistill.datasets.targets.one_sample import one_sample
from langdistill.errors import UnknownName
from langdistill.evaluation.evaluate import Evaluation, evaluate
from langdistill.filters.agreement import agreement
from langdistill.filters.stable_under import stable_under
from langdistill.folders import write_whole
from langdistill.intervals import wilson
from langdistill.lab.draws import Draw, Task
from langdistill.lab.processes import Progress
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Problem, Record
from langdistill.stores.opening import open_store
from langdistill.strategies.branch_solve_merge import create_branch_solve_merge
from langdistill.strategies.chain_of_thought import create_chain_of_thought
from langdistill.strategies.rephrase_and_respond import create_rephrase_and_respond
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.strategies.system2_attention import create_system2_attention
from langdistill.students.card import load_student
from langdistill.students.local import LocalChatModel
from langdistill.students.pilot import pilot
from langdistill.students.train.recipe import MINIATURE, PILOT, Recipe
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of

Graph = CompiledStateGraph[Any, Any, Any, Any]
STRATEGIES: dict[str, Callable[[Any], Graph]] = {
    "branch_solve_merge": create_branch_solve_merge,
    "chain_of_thought": create_chain_of_thought,
    "rephrase_and_respond": create_rephrase_and_respond,
    "system2_attention": create_system2_attention,
}

STUDENTS = ("distilled", "distilled_unfiltered", "control")
MAJORITY_STUDENT = "distilled_majority"
"""The student of unfiltered majority answers, trained where the settings ask for it."""

TEACHER, CONTROL = "teacher", "system1"
"""Names of the two recorded graphs."""

AT_ONCE = 250
"""Questions thought over as one batch; between batches an interrupt gets through and the progress bar moves."""

THREADS = 250
"""Most threads that wait for the model at a time; a sampled graph takes one for each of its samples."""


class Settings(Record):
    """How large the loop is, and the filter's thresholds. The defaults fit a laptop's few minutes."""

    strategy: str | None = None
    """Name of the System-2 strategy; `None`: the task's own."""
    questions: int | None = None
    """Unlabelled questions to think over; `None`: as many as the task asks for."""
    test: int = 300
    """Questions of the final pool."""
    samples: int = 8
    variant_samples: int = 4
    temperature: float = 0.7
    min_share: float = 0.75
    """Share of the samples that a System-2 answer needs."""
    control_share: float = 0.5
    """The same for System 1's own majority: the paper filters its control too."""
    pool: str = "final"
    recipe: Recipe = MINIATURE
    pilot: Recipe = PILOT
    """Of the short try before the training."""
    majority: bool = False
    """Also distil the unfiltered majority answers, to tell what voting does from what filtering does."""

    @property
    def students(self) -> tuple[str, ...]:
        """Arms that are trained."""
        return (*STUDENTS, MAJORITY_STUDENT) if self.majority else STUDENTS


@dataclass(frozen=True)
class Loop:
    """One task, one base model, one distillation seed and a folder for what comes of it."""

    task: Task
    base: str
    seed: int
    folder: Path
    settings: Settings
    progress: Progress

    def model(self, **knobs: Any) -> LocalChatModel:
        """The base model; its replies depend on the seed and on nothing else that changes between runs."""
        return LocalChatModel(model=self.base, seed=self.seed, max_tokens=160, **knobs)

    @property
    def strategy(self) -> str:
        """Name of the System-2 strategy."""
        return self.settings.strategy or self.task.strategy

    @property
    def at_once(self) -> int:
        """Questions under way at a time."""
        return THREADS if self.strategy == "chain_of_thought" else THREADS // self.settings.samples

    def think_graph(self, model: LocalChatModel) -> Graph:
        """System 2 of the task, once."""
        return STRATEGIES[self.strategy](model)

    def voting_graph(self, samples: int, name: str) -> Graph:
        """System 2 of the task, sampled and voted on."""
        s = self.settings
        if self.strategy == "chain_of_thought":
            return create_self_consistency(self.model(), samples=samples, temperature=s.temperature, name=name)
        return create_self_consistency(
            self.think_graph(self.model(temperature=s.temperature)), samples=samples, name=name
        )

    def direct_graph(self) -> Graph:
        """System 1, sampled and voted on: no prompt but the question."""
        s = self.settings
        return create_self_consistency(
            self.model(), prompt="{question}", samples=s.samples, temperature=s.temperature, name=CONTROL
        )

    def record(self, problems: Sequence[Problem]) -> None:
        """Let both systems answer the unlabelled questions, and System 2 a perturbed version of each, into the store."""
        store = open_store(self.folder / "traces.db")
        known = {(trace.name, trace.problem, trace.perturbation) for trace in store.traces() if not trace.error}
        store.close()
        variants = [self.variant(problem) for problem in problems]
        with_samples = self.settings.samples, self.settings.variant_samples
        for graph, asked in (
            (self.voting_graph(with_samples[0], TEACHER), problems),
            (self.voting_graph(with_samples[1], TEACHER), variants),
            (self.direct_graph(), problems),
        ):
            self._record(graph, [p for p in asked if (graph.name, p.id, p.perturbation) not in known])

    def variant(self, problem: Problem) -> Problem:
        """The question, changed by the task's perturbation."""
        return self.task.perturbations[0].problem(problem, self.seed)

    def _record(self, graph: Graph, problems: Sequence[Problem]) -> None:
        ordered = sorted(problems, key=lambda problem: len(problem.question))  # equal lengths share a batch
        recorder = TraceRecorder(self.folder / "traces.db")
        try:
            for start in range(0, len(ordered), AT_ONCE):
                chunk = ordered[start : start + AT_ONCE]
                self.progress(f"{graph.name} thinks", start, len(ordered))
                graph.batch(
                    [{"messages": [("user", problem.question)]} for problem in chunk],
                    [{"callbacks": [recorder], "max_concurrency": self.at_once, "metadata": p.metadata} for p in chunk],
                )
            self.progress(f"{graph.name} thinks", len(ordered), len(ordered))
        finally:
            recorder.close()

    def dataset(self, arm: str) -> Dataset:
        """The data set of a student.

        Raises:
            DatasetError: a filter left nothing.
        """
        out = self.folder / "data" / arm
        return read_dataset(out) if out.exists() else self._harvest(arm).write(out, seed=self.seed)

    def _harvest(self, arm: str) -> Harvest:
        s, traces = self.settings, self.folder / "traces.db"
        match arm:
            case "distilled":
                stable = stable_under(self.task.perturbations[0])
                return (
                    harvest(traces, graph=TEACHER).target(final_answer).filter(agreement(min_share=s.min_share), stable)
                )
            case "distilled_majority":
                return harvest(traces, graph=TEACHER).target(final_answer)
            case "distilled_unfiltered":
                return harvest(traces, graph=TEACHER).target(one_sample)
            case "control":
                return harvest(traces, graph=CONTROL).target(final_answer).filter(agreement(min_share=s.control_share))
            case _:
                raise UnknownName("student", arm, (*STUDENTS, MAJORITY_STUDENT))

    def problems(self) -> Draw:
        """The unlabelled questions, and their gold answers for whoever evaluates labels afterwards."""
        return self.task.draw(self.settings.questions or self.task.unlabelled, seed=self.seed, pool="train")

    def guard(self, dataset: Dataset) -> str | None:
        """What a short pilot says against distilling this data set, before it is trained on."""
        told = self.folder / "pilot.txt"
        if not told.exists():
            self.progress("pilot", 0, 1)
            told.write_text(pilot(dataset.path, self.base, recipe=self.settings.pilot, seed=self.seed).warning or "")
            self.progress("pilot", 1, 1)
        return told.read_text() or None

    def student(self, arm: str, dataset: Dataset) -> LocalChatModel:
        """The student of a data set, trained unless it already is."""
        out = self.folder / "students" / arm
        if not versions_of(out):
            train(dataset.path, self.base, out, recipe=self.settings.recipe, seed=self.seed,
                  on_progress=lambda now: self.progress(f"train {arm}", now.step, now.steps))  # fmt: skip
        return load_student(out, max_tokens=160)

    def measure(self, arm: str, model: Any, draw: Draw) -> Evaluation:
        """How an arm does on the final questions."""
        kept = self.folder / "evaluations" / f"{arm}.json"
        if not kept.exists():
            self.progress(f"evaluate {arm}", 0, 1)
            ordered = sorted(draw.problems, key=lambda problem: len(problem.question))
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, evaluate(model, ordered, draw.gold, max_concurrency=self.at_once).model_dump_json())
            self.progress(f"evaluate {arm}", 1, 1)
        return Evaluation.model_validate_json(kept.read_text())


def label_row(rule: str, dataset: Dataset, gold: dict[str, str], student: Evaluation) -> dict[str, Any]:
    """How right the labels of a data set are, beside how its student does: read after training, by nobody but the report."""
    rows = dataset.rows()
    right = sum(same(row["completion"][0]["content"], gold[row["problem"]]) for row in rows)
    n = len(rows)
    return {
        "rule": rule,
        "kept": n,
        "of": len(gold),
        "precision": right / n,
        "interval": list(wilson(right, n)),
        "student_accuracy": student.accuracy,
    }
