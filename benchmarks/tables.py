"""Write the tables of the README from `benchmarks/results/`: ``python benchmarks/tables.py``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import mean
from typing import Any

from langdistill.evaluation.metrics import student_interval

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
README = ROOT / "README.md"
PLACE = re.compile(r"(<!-- table (?P<name>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

TRAINED = ("distilled", "distilled_unfiltered", "control")


def percent(row: dict[str, Any] | None) -> str:
    """Mean and interval in per cent, or each run where there are too few for an interval."""
    if row is None:
        return "–"
    if row["interval"]:
        low, high = (100 * bound for bound in row["interval"])
        return f"{100 * row['accuracy']:.1f} [{low:.1f}, {high:.1f}]"
    return " / ".join(f"{100 * run:.1f}" for run in row["runs"])


def accuracies(told: dict[str, Any]) -> str:
    """One row a task."""
    lines = [
        "| task | System 1 | System 2, greedy | majority of 8 | **distilled** | unfiltered | control | tokens: S1, S2, majority, distilled | n |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for task, found in told["tasks"].items():
        arms = found["arms"]
        cells = [percent(arms.get(arm)) for arm in ("system1", "system2", "system2_majority", *TRAINED)]
        tokens = [arms.get(arm) for arm in ("system1", "system2", "system2_majority", "distilled")]
        spent = ", ".join(f"{row['tokens_per_answer']:.1f}" if row else "–" for row in tokens)
        lines.append(f"| {task} | {' | '.join(cells)} | {spent} | {arms['system1']['n']:,} |")
    return "\n".join(lines)


def labels(told: dict[str, Any]) -> str:
    """One row a task and rule."""
    lines = [
        "| task | labels chosen by | kept, % | right, % | student, % | gain over one sample, points |",
        "|---|---|---|---|---|---|",
    ]
    for task, found in told["tasks"].items():
        [single] = [row["runs"] for row in found["labels"] if row["rule"].startswith("one sample")]
        for row in found["labels"]:
            student = percent({"accuracy": row["student_accuracy"], **row})
            shares = f"{100 * row['kept']:.0f} | {100 * row['precision']:.1f}"
            lines.append(f"| {task} | {row['rule']} | {shares} | {student} | {gain(row['runs'], single)} |")
    return "\n".join(lines)


def gain(runs: list[float], single: list[float]) -> str:
    """Difference between students of the same base model and seed: mean and Student's interval, or each."""
    points = [100 * (one - other) for one, other in zip(runs, single, strict=True)]
    if runs == single:
        return ""
    if len(points) < 3:
        return " / ".join(f"{point:+.1f}" for point in points)
    low, high = student_interval(points)
    return f"{mean(points):+.1f} [{low:+.1f}, {high:+.1f}]"


TABLES = {
    "distillation": ("distillation", accuracies),
    "labels": ("distillation", labels),
    "bad-teacher-labels": ("bad-teacher", labels),
}
"""Place in the README to the result it is made of and how."""


def render(name: str) -> str:
    """A table, with the command that made it."""
    result, of = TABLES[name]
    told = json.loads((RESULTS / f"{result}.json").read_text())
    return f"{of(told)}\n\n`{told['command']}`\n"


def filled(text: str) -> str:
    """A text with every table in its place."""
    return PLACE.sub(lambda place: f"{place[1]}{render(place['name'])}{place[3]}", text)


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
