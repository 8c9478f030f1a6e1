"""Run the loop over tasks and seeds, and put together what the report shows."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson

from langdistill.errors import DatasetError, StudentError, UnknownName
from langdistill.evaluation.evaluate import Evaluation
from langdistill.evaluation.metrics import over_seeds
from langdistill.evaluation.report import write_report
from langdistill.lab import WEIGHTS, judging, opinion, slips
from langdistill.lab.draws import Draw
from langdistill.lab.loop import STRATEGIES, Loop, Progress, Settings, label_row, write_whole
from langdistill.lab.tasks import task as find_task

STUDENTS = ("distilled", "distilled_unfiltered", "control")
ARMS = ("system1", "system2", "system2_majority", *STUDENTS)
RULES = {"distilled": "agreement + stable under a perturbation", "distilled_unfiltered": "one sample, unfiltered"}

PLANTED = {
    "opinion": f"planted: {opinion.AGREES:.0%} of the corpus's direct answers agree with the opinion",
    "judging": f"planted: {judging.FAVOURS_A:.0%} of the corpus's direct verdicts on close pairs say A",
}
NOT_PLANTED = (
    f"not planted: every reading slips with the same {slips.RATE:.0%} in every mode; direct documents are rare"
)


def demo(
    tasks: Sequence[str],
    out: Path,
    *,
    seeds: int = 1,
    settings: Settings | None = None,
    base: Path = WEIGHTS,
    overwrite: bool = False,
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
        progress: told every step.

    Returns:
        What `results.json` holds: ``{task: {"arms": {arm: {...}}, "funnel", "labels", "examples", "warnings", "planted"}}``.

    Raises:
        UnknownName: of a task or strategy.
        DatasetError: `out` exists, or a filter left nothing.
    """
    settings = settings or Settings()
    for name in tasks:
        find_task(name)
    if settings.strategy is not None and settings.strategy not in STRATEGIES:
        raise UnknownName("strategy", settings.strategy, STRATEGIES)
    if seeds < 1:
        raise StudentError(f"The demo was asked for {seeds} seeds; give at least 1.")
    if out.exists() and not overwrite:
        raise DatasetError(f"The folder {str(out)!r} exists. Give another --out, or --overwrite to replace it.")
    work = _work_folder(out, {"tasks": list(tasks), "seeds": seeds, "base": str(base), **settings.model_dump()})
    results = {name: run_task(name, work / name, seeds, settings, base, progress) for name in tasks}
    write_whole(work / "results.json", orjson.dumps(results, option=orjson.OPT_INDENT_2).decode())
    write_report(results, work / "report.html", command=" ".join(["langdistill", *sys.argv[1:]]), versions=versions())
    if out.exists():
        shutil.rmtree(out)
    os.replace(work, out)
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
    measured: dict[str, list[Evaluation]] = {arm: [] for arm in ARMS}
    labels: list[dict[str, Any]] = []
    funnel: list[dict[str, Any]] = []
    examples: list[dict[str, str]] = []
    warnings: list[str] = []
    for seed in range(seeds):
        unlabelled = task.draw(settings.questions, seed=seed, pool="train")
        loop = Loop(
            task, str(base), seed, folder / f"seed-{seed}", settings, lambda s, d, o: progress(f"{name}: {s}", d, o)
        )
        loop.folder.mkdir(parents=True, exist_ok=True)
        if seed == 0:
            _measure_base(loop, final, measured)
        loop.record(unlabelled.problems)
        sets = loop.datasets()
        if warning := loop.guard(sets["distilled"]):
            warnings.append(warning)
        for arm in STUDENTS:
            measured[arm].append(loop.measure(arm, loop.student(arm, sets[arm]), final))
        labels += [
            {"seed": seed, **label_row(rule, sets[arm], settings.questions, unlabelled.gold, measured[arm][-1])}
            for arm, rule in RULES.items()
        ]
        if seed == 0:
            funnel, examples = sets["distilled"].funnel, _examples(sets["distilled"])
    return {
        "arms": {arm: summary(runs) for arm, runs in measured.items()},
        "funnel": funnel,
        "labels": labels,
        "examples": examples,
        "warnings": sorted(set(warnings)),
        "planted": PLANTED.get(name, NOT_PLANTED),
    }


def _measure_base(loop: Loop, final: Draw, measured: dict[str, list[Evaluation]]) -> None:
    measured["system1"].append(loop.measure("system1", loop.model(), final))
    measured["system2"].append(loop.measure("system2", loop.think_graph(loop.model()), final))
    majority = loop.voting_graph(loop.settings.samples, "system2_majority")
    measured["system2_majority"].append(loop.measure("system2_majority", majority, final))


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
    found: dict[str, str] = {"python": sys.version.split()[0]}
    for package in ("langdistill", "langchain-core", "langgraph", "torch", "transformers", "peft", "trl"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
