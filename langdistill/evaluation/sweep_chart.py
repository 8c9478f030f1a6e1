"""The curve of a sweep as a page that loads nothing: accuracy against the share of answers that are refined."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from pathlib import Path
from typing import Any

from langdistill.evaluation.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH
from langdistill.evaluation.rendering import rendered
from langdistill.evaluation.sweep import Point, Sweep
from langdistill.folders import write_whole

COLUMNS = ("refined", "accuracy", "95 %", "wrong to right", "right to wrong", "completions", "tokens")
MOST = 40
"""Rows of the table; the points between them are drawn all the same."""


def write_chart(curves: Mapping[str, Sweep], path: Path, *, chosen: float | None) -> None:
    """Write the page.

    Args:
        curves: name to sweep; the last is the one that the table is of.
        path: of the HTML file; its folder is made.
        chosen: the threshold that is marked on each curve; `None` for never to refine.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    [*_, name] = curves
    page = rendered(
        "sweep.html.jinja",
        name=name,
        chart=drawn(curves, chosen),
        chosen=_threshold(chosen),
        columns=COLUMNS,
        rows=[(_threshold(one.threshold), _cells(one)) for one in _thinned(curves[name])],
        problems=len(curves[name].cases),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page)


def drawn(curves: Mapping[str, Sweep], chosen: float | None) -> dict[str, Any]:
    """Positions in pixels: a line for each curve, on an accuracy axis that holds all of them and no more."""
    values = [point.accuracy.value for one in curves.values() for point in one.points]
    low, high = floor(20 * min(values) - 0.5) / 20, ceil(20 * max(values) + 0.5) / 20

    def up(share: float) -> float:
        return round(TOP + (high - share) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    def place(point: Point) -> dict[str, Any]:
        return {"x": _across(point.rate), "y": up(point.accuracy.value), "title": _title(point)}

    lines = [
        {"title": name, "points": [place(one) for one in found.points], "chosen": place(found.at(chosen))}
        for name, found in curves.items()
    ]
    levels = [low + step * (high - low) / 4 for step in range(5)]
    return {
        "lines": lines,
        "levels": [{"y": up(level), "label": f"{level:.1%}"} for level in levels],
        "ticks": [{"x": _across(share), "label": f"{share:.0%}"} for share in (0, 0.25, 0.5, 0.75, 1)],
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "bottom": HEIGHT - BOTTOM,
    }


def _across(rate: float) -> float:
    return round(LEFT + 10 + rate * (WIDTH - LEFT - 130), 1)


def _title(point: Point) -> str:
    return (
        f"refined from {_threshold(point.threshold)}: {point.rate:.0%} of the answers, {point.accuracy.value:.1%} right, "
        f"{point.wrong_to_right} mended, {point.right_to_wrong} spoilt"
    )


def _threshold(threshold: float | None) -> str:
    return "never" if threshold is None else f"{threshold:.3f}"


def _cells(point: Point) -> list[str]:
    value, low, high = point.accuracy
    return [
        f"{point.rate:.0%}",
        f"{value:.1%}",
        f"{low:.1%} – {high:.1%}",
        str(point.wrong_to_right),
        str(point.right_to_wrong),
        f"{point.spent.completions / point.problems:.2f}",
        f"{point.spent.output_tokens / point.problems:.0f}",
    ]


def _thinned(found: Sweep) -> list[Point]:
    """As many points as a table may have, evenly, with the first and the last."""
    last = len(found.points) - 1
    return [found.points[at] for at in sorted({round(step * last / (MOST - 1)) for step in range(MOST)})]
