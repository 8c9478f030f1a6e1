"""Run the loop over tasks and seeds, and put together what the report shows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from langdistill.errors import DatasetError, StudentError, UnknownName
from langdistill.evaluation.evaluate import Evaluation
from langdistill.evaluation.report import write_report
from langdistill.folders import check_place, take_place, write_whole
from langdistill.intervals import over_seeds
from langdistill.lab import WEIGHTS
from langdistill.lab.draws import Draw
from langdistill.lab.loop import MAJORITY_STUDENT, STRATEGIES, STUDENTS, Loop, Settings, label_row
from langdistill.lab.processes import Progress, side_by_side
from langdistill.lab.tasks import task as find_task
from langdistill.versions import installed

ARMS = ("system1", "system2", "system2_majority", *STUDENTS)
RULES = {
    "distilled": "agreement + stable under a perturbation",
    "distilled_unfiltered": "one sample, unfiltered",
    MAJORITY_STUDENT: "majority of the samples, unfiltered",
}
"""How the labels of an arm were chosen."""


def demo(
    tasks: Sequence[str],
    out: Path,
    *,
    seeds: int = 1,
    settings: Settings | None = None,
    base: Path = WEIGHTS,
    overwrite: bool = False,
    jobs: int = 1,
    progress: Progress = lambda step, done, of: None,
) -> dict[str, Any]:
    """The whole loop: think, record, harvest, filter, train, evaluate, report.

    Args:
        tasks: names of lab tasks.
        out: folder for `report.html`, `results.json`, and the traces, data sets and students of every task and seed.
        seeds: distillation seeds, from 0; the interval is over them where there are at least two.
        settings: sizes and thresholds.
        base: folder of the base model.
        overwrite: replace `out` where it exists.
        jobs: tasks under way at once, each in a process of its own from two on.
        progress: told every step.

    Returns:
        What `results.json` holds: ``{task: {"arms": {arm: {...}}, "funnel", "labels", "examples", "warnings", "planted"}}``.

    Raises:
        UnknownName: of a task or strategy.
        DatasetError: `out` exists, or no task has a distilled student because its filter left nothing.
    """
    settings = settings or Settings()
    for name in tasks:
        find_task(name)
    if settings.strategy is not None and settings.strategy not in STRATEGIES:
        raise UnknownName("strategy", settings.strategy, STRATEGIES)
    if min(seeds, jobs) < 1:
        raise StudentError(f"The demo was asked for {seeds} seeds and {jobs} jobs; give at least 1 of each.")
    check_place(out, overwrite=overwrite, mark="results.json", error=DatasetError)
    work = _work_folder(out, {"tasks": list(tasks), "seeds": seeds, "base": str(base), **settings.model_dump()})
    arguments = {name: (name, work / name, seeds, settings, base) for name in tasks}
    results = side_by_side(run_task, arguments, jobs=jobs, progress=progress)
    if not any("distilled" in result["arms"] for result in results.values()):
        raise DatasetError(" ".join(sorted({one for result in results.values() for one in result["warnings"]})))
    write_whole(work / "results.json", orjson.dumps(results, option=orjson.OPT_INDENT_2).decode())
    write_report(results, work / "report.html", command=" ".join(["langdistill", *sys.argv[1:]]), versions=versions())
    take_place(work, out)
    return results


def _work_folder(out: Path, told: dict[str, Any]) -> Path:
    """The folder beside `out` that the run grows in; one left by an interrupted run of the same settings is gone on with."""
    work = out.with_name(out.name + ".partial")
    settings, wanted = work / "settings.json", orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    if work.exists() and (not settings.exists() or settings.read_bytes() != wanted):
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    settings.write_bytes(wanted)
    return work


def run_task(name: str, folder: Path, seeds: int, settings: Settings, base: Path, progress: Progress) -> dict[str, Any]:
    """All arms of one task."""
    task = find_task(name)
    final = task.draw(settings.test, seed=0, pool=settings.pool)  # type: ignore[arg-type]
    found = Findings(planted=task.planted)
    for seed in range(seeds):
        loop = Loop(
            task, str(base), seed, folder / f"seed-{seed}", settings, lambda s, d, o: progress(f"{name}: {s}", d, o)
        )
        loop.folder.mkdir(parents=True, exist_ok=True)
        if seed == 0:
            measure_base(loop, final, found)
        unlabelled = loop.problems()
        loop.record(unlabelled.problems)
        for arm in settings.students:
            distil(loop, arm, unlabelled, final, found)
    return found.told()


@dataclass
class Findings:
    """What the report shows of a task, as it comes in."""

    planted: str
    measured: dict[str, list[Evaluation]] = field(default_factory=dict)
    """Arm to its evaluations, one a seed."""
    labels: list[dict[str, Any]] = field(default_factory=list)
    funnel: list[dict[str, Any]] = field(default_factory=list)
    examples: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """The task's part of `results.json`."""
        return {
            "arms": {arm: summary(runs) for arm, runs in self.measured.items()},
            "funnel": self.funnel,
            "labels": self.labels,
            "examples": self.examples,
            "warnings": sorted(set(self.warnings)),
            "planted": self.planted,
        }


def measure_base(loop: Loop, final: Draw, found: Findings) -> None:
    """The arms that train nothing."""
    model = loop.model()
    majority = loop.voting_graph(loop.settings.samples, "system2_majority")
    for arm, asked in (("system1", model), ("system2", loop.think_graph(model)), ("system2_majority", majority)):
        found.measured[arm] = [loop.measure(arm, asked, final)]


def distil(loop: Loop, arm: str, unlabelled: Draw, final: Draw, found: Findings) -> None:
    """Data set, student and measurement of one arm; where the filter leaves nothing, a warning says which filter."""
    try:
        dataset = loop.dataset(arm)
    except DatasetError as nothing_left:
        found.warnings.append(f"No student for the arm {arm!r}. {nothing_left}")
        return
    if arm == "distilled":
        if warning := loop.guard(dataset):
            found.warnings.append(warning)
        if not found.funnel:
            found.funnel, found.examples = dataset.funnel, _examples(dataset)
    measured = loop.measure(arm, loop.student(arm, dataset), final)
    found.measured.setdefault(arm, []).append(measured)
    if arm in RULES:
        found.labels.append({"seed": loop.seed, **label_row(RULES[arm], dataset, unlabelled.gold, measured)})


def _examples(dataset: Any) -> list[dict[str, str]]:
    rows = dataset.rows()[:5]
    return [{"question": row["prompt"][-1]["content"], "target": row["completion"][0]["content"]} for row in rows]


def summary(runs: Sequence[Evaluation]) -> dict[str, Any]:
    """One arm over its seeds: Wilson's interval for one run, Student's over the seeds for several."""
    accuracy, interval = runs[0].accuracy, runs[0].interval
    if len(runs) > 1:
        accuracy, interval = over_seeds([run.accuracy for run in runs])
    return {
        "accuracy": accuracy,
        "n": runs[0].n,
        "interval": list(interval),
        "tokens_per_answer": sum(run.tokens_per_answer for run in runs) / len(runs),
        "seconds_per_answer": sum(run.seconds_per_answer for run in runs) / len(runs),
        "seeds": len(runs),
        "per_seed": [run.accuracy for run in runs],
    }


def versions() -> dict[str, str]:
    """Versions of what made the figures."""
    packages = ("langdistill", "langchain-core", "langgraph", "torch", "transformers", "peft", "trl")
    return {"python": sys.version.split()[0]} | installed(*packages)
