"""A student measured beside what it is compared with, in one folder that the same settings go on in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langdistill.budgets import Price
from langdistill.errors import EvaluationError
from langdistill.evaluation.comparing import Comparison, compare
from langdistill.evaluation.evaluate import evaluate
from langdistill.evaluation.judging import JudgeEvaluation, evaluate_judge
from langdistill.evaluation.kept import REPLIES
from langdistill.evaluation.measuring import CONCURRENT
from langdistill.evaluation.results import Evaluation
from langdistill.evaluation.subject import Model, Subject, subject_of, told
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.records import digest
from langdistill.students.card import Student, student_at
from langdistill.students.local import LocalChatModel

AT_ONCE = 32
"""Problems under way at once, of a model on a server."""


@dataclass(frozen=True)
class Settings:
    """How both are asked."""

    samples: int = 1
    temperature: float | None = None
    max_tokens: int | None = None
    prompt: str | None = None
    """Instead of the task's own."""
    prices: Mapping[str, Price | tuple[float, float]] = field(default_factory=dict[str, Price])
    concurrency: int | None = None
    seed: int = 0
    """Of the bootstrap."""

    @property
    def params(self) -> dict[str, Any]:
        """Sampling parameters of every request."""
        told = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class Found:
    """What was measured."""

    runs: list[Evaluation]
    """What is compared with, and last the student."""
    judges: list[JudgeEvaluation]
    """The same runs, where the task is one for judges."""
    comparison: Comparison | None
    student: Student | None
    """Where it is one that has a card."""

    @property
    def measurement(self) -> dict[str, Any]:
        """What goes onto the student's card."""
        run = self.runs[-1]
        told: dict[str, Any] = {
            "accuracy": run.accuracy,
            "interval": list(run.interval),
            "n": run.n,
            "samples": run.samples,
            "tokens_per_answer": run.tokens_per_answer,
            "errors": len(run.errors),
            "problems": digest([one.asked for one in run.results.values()])[:16],
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if self.judges:
            told["inconsistent"] = self.judges[-1].inconsistent.value
        if self.comparison:
            told["against"] = {"name": self.comparison.one, "difference": self.comparison.difference}
        return told


def measure_both(
    model: Model,
    against: Model | None,
    task: TaskSet,
    settings: Settings,
    out: Path,
    *,
    alone: bool = False,
    progress: Callable[[str, int, int], None] = lambda name, done, of: None,
) -> Found:
    """Measure a model on a task beside another one, by default the base of a student, and compare them.

    Args:
        model: see `evaluate`.
        against: what it is compared with.
        task: what is asked; pairs for a judge are judged in both orders.
        settings: of both.
        out: folder of all runs; one with other settings has a folder of its own there.
        alone: compare with nothing.
        progress: told the name of who is asked, how many problems are done, and of how many.

    Raises:
        EvaluationError: both are the same; and what `evaluate` raises.
    """
    student = model if isinstance(model, Student) else student_at(model) if isinstance(model, (str, Path)) else None
    if against is None and student and student.holds == "adapter" and not alone:
        against = str(student.check_base())
    asked: list[Model] = [student or model] if alone or against is None else [against, student or model]
    subjects = [subject_of(one) for one in asked]
    if len({one.name for one in subjects}) < len(subjects):
        raise EvaluationError(f"{subjects[0].name!r} would be compared with itself. Give another model with --against.")
    runs: list[Evaluation] = []
    judges: list[JudgeEvaluation] = []
    for subject, one in zip(subjects, asked, strict=True):
        knobs = _knobs(subject, task, settings, progress)
        folder = out / f"{_slug(task.name)}-{_slug(subject.name)}-{_mark(subject, task, settings)}"
        if any(problem.perturbation for problem in task.problems):
            judges.append(evaluate_judge(one, task.problems, task.gold, folder=folder, cache=_cache(out), **knobs))
            runs.append(judges[-1].evaluation)
        else:
            runs.append(evaluate(one, task.problems, task.gold, folder=folder, cache=_cache(out), **knobs))
    comparison = compare(runs[0], runs[-1], seed=settings.seed) if len(runs) > 1 else None
    return Found(runs, judges, comparison, student)


def _knobs(
    subject: Subject, task: TaskSet, settings: Settings, progress: Callable[[str, int, int], None]
) -> dict[str, Any]:
    in_process = isinstance(subject.runnable, LocalChatModel)
    return {
        "extract": task.extract,
        "equal": task.equal,
        "categories": task.categories,
        "prompt": settings.prompt or task.prompt,
        "samples": settings.samples,
        "params": settings.params,
        "prices": {name: Price(*price) for name, price in settings.prices.items()},
        "max_concurrency": settings.concurrency or (CONCURRENT if in_process else AT_ONCE),
        "on_progress": lambda done, of: progress(subject.name, done, of),
    }


def _cache(out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    return out / REPLIES


def _mark(subject: Subject, task: TaskSet, settings: Settings) -> str:
    """What tells the folder of one run from that of another."""
    asked = [[one.id, one.question, one.perturbation, task.gold[one.id]] for one in task.problems]
    how = [settings.samples, settings.prompt or task.prompt, {k: str(v) for k, v in settings.params.items()}]
    how += [told(task.extract), told(task.equal), dict(task.categories)]
    return digest(str(subject.settings), asked, how)[:8]


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name.rstrip("/"))[-60:]
