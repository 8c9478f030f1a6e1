"""Every objective on the lab's tasks: what a student learns of System 2's recorded answers, and what it forgets.

    python benchmarks/objectives.py --out runs/objectives

For each task and seed one teacher (the embedded model, thinking step by step, eight samples) is recorded once, with the five
likeliest tokens of each place. All students start from the same base and are trained for as many updates. They are measured on
final questions that nothing was tuned on, asked without a word about thinking; and on the other two tasks with and without
thinking, before and after, which tells what was forgotten. A run that was interrupted goes on with the same command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

from langdistill.datasets.harvest import Harvest, harvest
from langdistill.datasets.renderings.four_formats import four_formats
from langdistill.datasets.renderings.step_by_step import step_by_step as two_tasks
from langdistill.datasets.targets.final_answer import final_answer
from langdistill.datasets.targets.preferred import preferred
from langdistill.datasets.targets.unpaired import unpaired
from langdistill.datasets.targets.with_reasoning import with_reasoning
from langdistill.datasets.teacher_logprobs import teacher_logprobs
from langdistill.errors import DatasetError
from langdistill.evaluation.evaluate import Evaluation, evaluate
from langdistill.filters.agreement import agreement
from langdistill.folders import write_whole
from langdistill.intervals import over_seeds
from langdistill.lab import WEIGHTS
from langdistill.lab.demo import versions
from langdistill.lab.draws import Draw
from langdistill.lab.processes import Progress, side_by_side
from langdistill.lab.tasks import task
from langdistill.prompts import STEP_BY_STEP
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Trace
from langdistill.stores.opening import open_store
from langdistill.strategies.rationalization import create_rationalization
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.students.card import Student, read_student
from langdistill.students.local import LocalChatModel
from langdistill.students.train.objective import find_objective
from langdistill.students.train.recipe import MINIATURE, Recipe
from langdistill.students.train.star import star
from langdistill.students.train.training import train
from langdistill.students.versioned import versions_of

RESULTS = Path(__file__).with_name("results") / "objectives.json"
TASKS = ("letters", "coin", "arithmetic")
SAMPLES, TEMPERATURE, QUESTIONS = 8, 0.7, {"letters": 400, "coin": 200, "arithmetic": 200}
SEEDS = 3
TEST, GENERAL = 300, 100
"""Final questions of the task, and of each other task in both ways of asking."""
RECIPE = MINIATURE.model_copy(update={"steps": 150})
PREFERENCE = MINIATURE.model_copy(update={"steps": 60, "learning_rate": 3e-4})
"""Of objectives that go on from a student: fewer and smaller steps, as is usual; chosen before anything was measured."""
CHOSEN = agreement(min_share=0.5)

Traces = Iterable[Trace]


@dataclass(frozen=True)
class Arm:
    """One student."""

    said: str
    """What it is, in the table."""
    data: Callable[[Harvest], Harvest]
    format: str = "trl"
    objective: str = "sft"
    settings: dict[str, Any] = field(default_factory=dict)
    start: str | None = None
    """The arm whose student it goes on from."""
    general: bool = False
    """Whether it is trained on the other two tasks instead."""
    teacher: str | None = None
    """The arm whose student teaches it while it trains."""
    recipe: Recipe = RECIPE
    asked: str = "{question}"
    """How its student is asked for an answer."""


def reasoned(rows: Harvest) -> Harvest:
    return rows.target(with_reasoning).filter(CHOSEN)


ARMS = {
    "answer_only": Arm("answer only (control)", lambda h: h.target(final_answer).filter(CHOSEN)),
    "with_reasoning": Arm("with reasoning (control)", reasoned),
    "formats": Arm(
        "two formats, one a batch",
        lambda h: reasoned(h).render(four_formats("zero_shot_cot", "zero_shot_answer")),
        objective="one_format",
    ),
    "step_by_step": Arm(
        "distilling step-by-step",
        lambda h: reasoned(h).render(two_tasks()),
        objective="step_by_step",
        asked="[label] {question}",
    ),
    "top_k_kl": Arm(
        "top-5 KL, with reasoning",
        lambda h: h.target(teacher_logprobs(with_reasoning)).filter(CHOSEN),
        format="top_k_logprobs",
        objective="top_k_kl",
    ),
    "general": Arm("stage 1: the other tasks, with reasoning", reasoned, general=True),
    "two_stage": Arm("two stages: other tasks, then this, answer only",
                     lambda h: h.target(final_answer).filter(CHOSEN), start="general"),
    "two_stage_reasoning": Arm("two stages: other tasks, then this, with reasoning", reasoned, start="general"),
    "dpo": Arm("DPO after with reasoning", lambda h: h.target(preferred()), format="trl_preference", objective="dpo",
               start="with_reasoning", recipe=PREFERENCE),
    "kto": Arm("KTO after with reasoning", lambda h: h.target(unpaired()), format="trl_unpaired", objective="kto",
               start="with_reasoning", recipe=PREFERENCE),
    "gkd": Arm("on-policy (GKD) from the student with reasoning", reasoned, objective="gkd", teacher="with_reasoning",
               recipe=PREFERENCE),
    "star": Arm("STaR, 3 iterations (reads gold answers)", reasoned, objective="star", asked="{question}\nThink step by step."),
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A task and a seed, and the folder of what comes of it."""

    task: str
    seed: int
    out: Path
    progress: Progress

    @property
    def folder(self) -> Path:
        return self.out / self.task / f"seed-{self.seed}"

    def traces(self, name: str) -> list[Trace]:
        with closing(open_store(self.out / name / f"seed-{self.seed}" / "traces.db")) as store:
            return list(store.traces())

    def record(self) -> None:
        """Let the teacher think over the unlabelled questions, once."""
        if (self.folder / "recorded").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "traces.db").unlink(missing_ok=True)
        drawn = task(self.task).draw(QUESTIONS[self.task], seed=self.seed, pool="train")
        model = LocalChatModel(model=str(WEIGHTS), seed=self.seed, max_tokens=160, logprobs=True, top_logprobs=5)
        graph = create_self_consistency(model, samples=SAMPLES, temperature=TEMPERATURE, name="teacher")
        recorder = TraceRecorder(self.folder / "traces.db")
        for start in range(0, len(drawn.problems), 50):
            some = sorted(drawn.problems, key=lambda one: len(one.question))[start : start + 50]
            graph.batch(
                [{"messages": [("user", one.question)]} for one in some],
                [{"callbacks": [recorder], "max_concurrency": 50, "metadata": one.metadata} for one in some],
            )
        recorder.close()
        (self.folder / "recorded").touch()
        self.progress(f"{self.task} {self.seed}: recorded", 1, 1)

    def student(self, name: str) -> Student:
        """The student of an arm, trained unless it is there."""
        arm, place = ARMS[name], self.folder / name
        if arm.objective == "star":
            return self.star(place)
        if not versions_of(place):
            settings = dict(arm.settings)
            if arm.teacher:
                settings["teacher"] = str(self.student(arm.teacher).folder)
            base = self.student(arm.start) if arm.start else WEIGHTS
            made = find_objective(arm.objective)(**settings)
            train(self.dataset(name), base, place, objective=made, recipe=arm.recipe, seed=self.seed)
            self.progress(f"{self.task} {self.seed}: trained {name}", 1, 1)
        return read_student(place)

    def star(self, place: Path) -> Student:
        """The last student of three iterations, or of fewer, where one answered nothing right that it could learn; it goes on where
        it stopped.
        """
        drawn = task(self.task).draw(QUESTIONS[self.task], seed=self.seed, pool="train")
        known = {one.question: drawn.gold[one.id] for one in drawn.problems}
        try:
            star(
                lambda model: create_rationalization(model, answer_of=known.get),
                drawn.problems,
                drawn.gold,
                WEIGHTS,
                place,
                recipe=RECIPE,
                seed=self.seed,
            )
        except DatasetError:
            if not versions_of(place):
                raise
        self.progress(f"{self.task} {self.seed}: trained star", 1, 1)
        return read_student(place)

    def dataset(self, name: str) -> Path:
        arm, place = ARMS[name], self.folder / "data" / name
        if not place.exists():
            names = [other for other in TASKS if other != self.task] if arm.general else [self.task]
            rows = arm.data(harvest(chain.from_iterable(self.traces(one) for one in names)))
            rows.write(place, format=arm.format, seed=self.seed)
        return place

    def measured(self, name: str) -> dict[str, Any]:
        """What an arm's student does, or the base where the arm is "base"."""
        kept = self.folder / "measured" / f"{name}.json"
        if not kept.exists():
            knobs = {"max_tokens": 160}
            trained = self.student(name) if name in ARMS else None
            model = trained.local(**knobs) if trained else LocalChatModel(model=str(WEIGHTS), **knobs)
            asked = ARMS[name].asked if name in ARMS else "{question}"
            final = task(self.task).draw(TEST, seed=0, pool="final")
            told = {"task": summary(ask(model, final, asked))}
            if name == "star":
                told["iterations"] = len(versions_of(self.folder / name))
            if name == "base":
                told["thinking"] = summary(ask(model, final, STEP_BY_STEP))
            for other in TASKS:
                if other != self.task:
                    general = task(other).draw(GENERAL, seed=0, pool="dev")
                    told[f"{other}, thinking"] = summary(ask(model, general, STEP_BY_STEP))
                    told[f"{other}, direct"] = summary(ask(model, general, "{question}"))
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, json.dumps(told))
            self.progress(f"{self.task} {self.seed}: measured {name}", 1, 1)
        return json.loads(kept.read_text())


def ask(model: LocalChatModel, drawn: Draw, prompt: str) -> Evaluation:
    """The questions in a wording."""
    return evaluate(model, sorted(drawn.problems, key=lambda one: len(one.question)), drawn.gold, prompt=prompt)


def summary(found: Evaluation) -> dict[str, float]:
    return {"accuracy": found.accuracy, "tokens": found.tokens_per_answer, "n": found.n}


def record(name: str, seed: int, out: Path, progress: Progress) -> None:
    Run(name, seed, out, progress).record()


def measure(name: str, seed: int, out: Path, arms: list[str], progress: Progress) -> dict[str, Any]:
    run = Run(name, seed, out, progress)
    return {arm: run.measured(arm) for arm in ("base", *arms)}


def told(runs: dict[tuple[str, int], dict[str, Any]], seeds: int) -> dict[str, Any]:
    """Per task and arm: mean and interval over the seeds, and the points gained or lost on the other tasks."""
    tasks: dict[str, Any] = {}
    for name in TASKS:
        arms: dict[str, Any] = {}
        for arm in runs[name, 0]:
            found = [runs[name, seed][arm] for seed in range(seeds)]
            base = [runs[name, seed]["base"] for seed in range(seeds)]
            scores = [one["task"]["accuracy"] for one in found]
            arms[arm] = {
                "accuracy": mean(scores),
                "interval": list(over_seeds(scores)[1]) if seeds > 1 else None,
                "runs": scores,
                "tokens": mean(one["task"]["tokens"] for one in found),
                "n": found[0]["task"]["n"],
                "lost": {way: lost(base, found, way) for way in ("thinking", "direct")},
            }
        if "star" in arms:
            arms["star"]["iterations"] = [runs[name, seed]["star"].get("iterations", 3) for seed in range(seeds)]
        arms["base"]["thinking"] = runs[name, 0]["base"]["thinking"]
        tasks[name] = arms
    return tasks


def lost(base: list[dict[str, Any]], found: list[dict[str, Any]], way: str) -> float:
    """Points of accuracy that the student gained or lost on the other tasks, their mean over tasks and seeds."""
    keys = [key for key in found[0] if key.endswith(f", {way}")]
    return mean(
        after[key]["accuracy"] - before[key]["accuracy"]
        for before, after in zip(base, found, strict=True)
        for key in keys
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/objectives"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    given = parser.parse_args()
    pairs = [(name, seed) for seed in range(given.seeds) for name in TASKS]

    def show(step: str, done: int, of: int) -> None:
        print(step, flush=True)

    side_by_side(record, {f"{n}-{s}": (n, s, given.out) for n, s in pairs}, jobs=given.jobs, progress=show)
    pieces = {f"{n}-{s}": (n, s, given.out, given.arms) for n, s in pairs}
    found = side_by_side(measure, pieces, jobs=given.jobs, progress=show)
    runs = {(n, s): found[f"{n}-{s}"] for n, s in pairs}
    labels = {name: arm.said for name, arm in ARMS.items() if name in given.arms}
    arms = "" if len(labels) == len(ARMS) else f" --arms {' '.join(labels)}"
    seeds = "" if given.seeds == SEEDS else f" --seeds {given.seeds}"
    command = f"python benchmarks/objectives.py --out runs/objectives{seeds}{arms}"
    result = {
        "command": command,
        "versions": versions(),
        "seeds": given.seeds,
        "said": labels,
        "tasks": told(runs, given.seeds),
    }
    RESULTS.write_text(json.dumps(result, indent=1))
    print(json.dumps(told(runs, given.seeds), indent=1))


if __name__ == "__main__":
    main()
