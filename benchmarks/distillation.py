"""Measure the loop on all lab tasks: pre-training seeds x distillation seeds, on final questions that nothing was tuned on.

    python benchmarks/distillation.py --out runs/distillation
    python benchmarks/distillation.py --out runs/bad-teacher --bad-teacher

Base models of seeds other than the shipped one are pre-trained first, unless `--bases` has them. A run that was interrupted
goes on with the same command. The tables of the README are made from what is written to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import Any

from langdistill.intervals import over_seeds
from langdistill.lab import WEIGHTS
from langdistill.lab import pretrain as pretraining
from langdistill.lab.demo import run_task, versions
from langdistill.lab.loop import Settings
from langdistill.lab.processes import side_by_side
from langdistill.lab.tasks import TASKS

SEEDS = {"letters": 3, "coin": 3}
"""Distillation seeds of a task for each pre-training seed; one where none is told."""
TEST = {"judging": 300}
"""Final questions of a task whose System 2 takes long; 1,000 where none is told."""
RESULTS = Path(__file__).with_name("results")
ORDINARY = Settings(test=1000)
BAD_TEACHER = Settings(test=1000, temperature=1.5, min_share=0.5, majority=True)
"""Single samples at this temperature are mostly wrong and their errors scatter; chosen on dev."""


def base_models(folder: Path, seeds: int) -> dict[int, Path]:
    """Base model by pre-training seed; the shipped one is seed 0."""
    found = {0: WEIGHTS} | {seed: folder / f"seed-{seed}" for seed in range(1, seeds)}
    for seed, path in found.items():
        if not path.exists():
            print(f"Pre-training seed {seed}; this takes about ten minutes.", flush=True)
            pretraining.pretrain(path, pretraining.Settings(seed=seed))
    return found


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Results by pre-training seed, then task; every pair of them is a piece of work of its own."""
    settings = BAD_TEACHER if arguments.bad_teacher else ORDINARY
    bases = base_models(arguments.bases or arguments.out / "bases", arguments.base_seeds)
    pieces = {
        f"{seed}-{task}": (
            task,
            arguments.out / f"base-{seed}" / task,
            arguments.seeds or SEEDS.get(task, 1),
            settings.model_copy(update={"test": TEST.get(task, settings.test)}),
            base,
        )
        for task in arguments.task
        for seed, base in bases.items()
    }
    found = side_by_side(run_task, pieces, jobs=arguments.jobs, progress=show)
    return {str(seed): {task: found[f"{seed}-{task}"] for task in arguments.task} for seed in bases}


def show(step: str, done: int, of: int) -> None:
    """A line for every step that is finished."""
    if done == of:
        print(f"{datetime.now():%H:%M:%S} {step}", flush=True)


def arms_of(results: dict[str, Any], task: str) -> dict[str, Any]:
    """Each arm of a task: the mean over its runs, and Student's interval where there are more than two.

    Arms that train nothing differ by pre-training seed alone: their runs are told as they are.
    """
    names = dict.fromkeys(arm for base in results.values() for arm in base[task]["arms"])
    told: dict[str, Any] = {}
    for arm in names:
        rows = [base[task]["arms"][arm] for base in results.values() if arm in base[task]["arms"]]
        values = [value for row in rows for value in row["per_seed"]]
        told[arm] = {
            "accuracy": mean(values),
            "interval": list(over_seeds(values)[1]) if len(values) > 2 else None,
            "runs": values,
            "n": rows[0]["n"],
            "tokens_per_answer": mean(row["tokens_per_answer"] for row in rows),
        }
    return told


def labels_of(results: dict[str, Any], task: str) -> list[dict[str, Any]]:
    """Per rule: how many labels it kept, how right they are, and the accuracy of its students, over all runs."""
    rows = [row for base in results.values() for row in base[task]["labels"]]
    told: list[dict[str, Any]] = []
    for rule in dict.fromkeys(row["rule"] for row in rows):
        of_rule = [row for row in rows if row["rule"] == rule]
        accuracy = [row["student_accuracy"] for row in of_rule]
        told.append(
            {
                "rule": rule,
                "kept": mean(row["kept"] / row["of"] for row in of_rule),
                "of": of_rule[0]["of"],
                "precision": mean(row["precision"] for row in of_rule),
                "student_accuracy": mean(accuracy),
                "interval": list(over_seeds(accuracy)[1]) if len(accuracy) > 2 else None,
                "runs": accuracy,
            }
        )
    return told


def summary(results: dict[str, Any], command: str) -> dict[str, Any]:
    """What is kept in the repository."""
    tasks = [task for task in TASKS if task in results["0"]]
    return {
        "command": command,
        "versions": versions(),
        "pretraining_seeds": len(results),
        "tasks": {
            task: {
                "planted": results["0"][task]["planted"],
                "arms": arms_of(results, task),
                "labels": labels_of(results, task),
                "warnings": sorted({one for base in results.values() for one in base[task]["warnings"]}),
            }
            for task in tasks
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--bases", type=Path, help="folder with base models named seed-1, seed-2, ...")
    parser.add_argument("--base-seeds", type=int, default=2, help="pre-training seeds, the shipped one included")
    parser.add_argument("--seeds", type=int, help="distillation seeds; 3 for letters and coin, else 1")
    parser.add_argument("--task", action="append", choices=list(TASKS), help="may be repeated; all by default")
    parser.add_argument("--bad-teacher", action="store_true", help="letters, with a teacher that is mostly wrong")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="tasks under way at once")
    arguments = parser.parse_args()
    arguments.task = arguments.task or (["letters"] if arguments.bad_teacher else list(TASKS))
    name = "bad-teacher" if arguments.bad_teacher else "distillation"
    command = f"python benchmarks/distillation.py --out runs/{name}" + (
        " --bad-teacher" if arguments.bad_teacher else ""
    )
    command += f" --seeds {arguments.seeds}" if arguments.seeds else ""
    arguments.out.mkdir(parents=True, exist_ok=True)
    told = summary(run(arguments), command)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n")
    print(f"Wrote {RESULTS / name}.json")


if __name__ == "__main__":
    main()
