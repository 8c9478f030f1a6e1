"""What a run found, twice: one self-contained HTML file, and the same table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import log10
from pathlib import Path
from typing import Any

from rich.table import Table

from langdistill.errors import MissingExtra
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

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 300, 44, 40, 14


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


def chart(arms: Mapping[str, Any]) -> dict[str, Any]:
    """Positions, in pixels, of accuracy against tokens per answer on a logarithmic axis, with interval bars."""
    tokens = [max(row["tokens_per_answer"], 0.5) for row in arms.values()]
    low, high = log10(min(tokens)) - 0.15, log10(max(tokens)) + 0.6

    def across(value: float) -> float:
        return round(LEFT + (log10(max(value, 0.5)) - low) / (high - low) * (WIDTH - LEFT - 10), 1)

    def up(share: float) -> float:
        return round(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM), 1)

    points = [
        {
            "title": TITLES.get(arm, arm),
            "arm": arm,
            "x": across(row["tokens_per_answer"]),
            "y": up(row["accuracy"]),
            "low": up(row["interval"][0]),
            "high": up(row["interval"][1]),
        }
        for arm, row in arms.items()
    ]
    _spread_labels(points)
    ticks = [
        {"x": across(value), "label": f"{value:g}"}
        for value in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        if low <= log10(value) <= high
    ]
    levels = [{"y": up(share), "label": f"{share:.0%}"} for share in (0, 0.25, 0.5, 0.75, 1)]
    return {
        "points": points,
        "ticks": ticks,
        "levels": levels,
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "bottom": HEIGHT - BOTTOM,
    }


def _spread_labels(points: list[dict[str, Any]]) -> None:
    """Move labels down until none covers another that begins near it."""
    placed: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda point: (point["y"], point["x"])):
        at = point["y"] + 4
        while any(abs(at - y) < 13 and abs(point["x"] - x) < 200 for x, y in placed):
            at += 13
        point["label_y"] = at
        placed.append((point["x"], at))


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
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as missing:
        raise MissingExtra("jinja2", "report") from missing
    template = Path(__file__).with_name("report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(template).render(
        results=results,
        charts={task: chart(result["arms"]) for task, result in results.items()},
        titles=TITLES,
        cells=_cells,
        command=command,
        versions=versions,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    write_whole(out, page)
