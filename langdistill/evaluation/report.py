"""What a run found, twice: one self-contained HTML file, and the same table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from langdistill.evaluation.charts import scatter
from langdistill.evaluation.rendering import rendered
from langdistill.folders import write_whole

TITLES = {
    "system1": "System 1",
    "system2": "System 2, greedy",
    "system2_majority": "System 2, majority of samples",
    "distilled": "Distilled",
    "distilled_unfiltered": "Distilled, unfiltered",
    "control": "Control: distilled from System 1",
}
"""How an arm is called in the report; an unknown one keeps its own name."""


def table(results: Mapping[str, Any]) -> Table:
    """The table of all tasks and arms for the terminal."""
    shown = Table(
        title="Accuracy against generated tokens", caption="95 % intervals; seconds are wall time of a batch / n"
    )
    for column in ("task", "arm"):
        shown.add_column(column, no_wrap=True)
    for column in ("accuracy", "interval", "tokens/answer", "seconds/answer", "n", "seeds"):
        shown.add_column(column, justify="right")
    for task, result in results.items():
        for arm, row in result["arms"].items():
            shown.add_row(task, TITLES.get(arm, arm), *_cells(row))
        shown.add_section()
    return shown


def _cells(row: Mapping[str, Any]) -> list[str]:
    low, high = row["interval"]
    return [
        f"{row['accuracy']:.1%}",
        f"{low:.1%} – {high:.1%}",
        f"{row['tokens_per_answer']:.1f}",
        f"{row['seconds_per_answer']:.4f}",
        str(row["n"]),
        str(row["seeds"]),
    ]


def write_report(results: Mapping[str, Any], out: Path, *, command: str, versions: Mapping[str, str]) -> None:
    """Write the report as one HTML file that loads nothing from anywhere.

    Args:
        results: ``{task: {"arms", "funnel", "labels", "examples", "warnings", "planted"}}``.
        out: the file.
        command: what made the results, shown so that it can be run again.
        versions: package to version.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    page = rendered(
        "report.html.jinja",
        results=results,
        charts={task: scatter(result["arms"], TITLES) for task, result in results.items()},
        titles=TITLES,
        cells=_cells,
        command=command,
        versions=versions,
    )
    write_whole(out, page)
