"""Positions, in pixels, of what the reports draw: the templates only put them into SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

from langdistill.intervals import Estimate

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 300, 44, 40, 14


def scatter(arms: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """Accuracy against tokens per answer on a logarithmic axis, with interval bars."""
    tokens = [max(row["tokens_per_answer"], 0.5) for row in arms.values()]
    low, high = log10(min(tokens)) - 0.15, log10(max(tokens)) + 0.6

    def across(value: float) -> float:
        return round(LEFT + (log10(max(value, 0.5)) - low) / (high - low) * (WIDTH - LEFT - 10), 1)

    points = [
        {
            "title": titles.get(arm, arm),
            "arm": arm,
            "x": across(row["tokens_per_answer"]),
            "y": _up(row["accuracy"]),
            "low": _up(row["interval"][0]),
            "high": _up(row["interval"][1]),
        }
        for arm, row in arms.items()
    ]
    _spread_labels(points)
    ticks = [
        {"x": across(value), "label": f"{value:g}"}
        for value in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        if low <= log10(value) <= high
    ]
    return {"points": points, "ticks": ticks, **_frame()}


def curve(lines: Mapping[str, Sequence[Estimate]]) -> dict[str, Any]:
    """Accuracy against the number of samples, from 1: a line with its interval for each name, of which one has at least two points."""
    most = max(len(line) for line in lines.values())

    def across(k: int) -> float:
        return round(LEFT + 20 + (k - 1) / (most - 1) * (WIDTH - LEFT - 200), 1)

    drawn: list[dict[str, Any]] = [
        {
            "title": name,
            "points": [
                {"x": across(k), "y": _up(one.value), "low": _up(one.low), "high": _up(one.high)}
                for k, one in enumerate(line, 1)
            ],
        }
        for name, line in lines.items()
    ]
    labels = [{"title": one["title"], "x": one["points"][-1]["x"], "y": one["points"][-1]["y"]} for one in drawn]
    _spread_labels(labels)
    every = max(1, most // 8)
    ticks = [{"x": across(k), "label": str(k)} for k in range(1, most + 1) if k == 1 or k % every == 0]
    return {"lines": drawn, "labels": labels, "ticks": ticks, **_frame()}


def _frame() -> dict[str, Any]:
    levels = [{"y": _up(share), "label": f"{share:.0%}"} for share in (0, 0.25, 0.5, 0.75, 1)]
    return {"levels": levels, "width": WIDTH, "height": HEIGHT, "left": LEFT, "bottom": HEIGHT - BOTTOM}


def _up(share: float) -> float:
    return round(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM), 1)


def _spread_labels(points: list[dict[str, Any]]) -> None:
    """Move labels down until none covers another that begins near it."""
    placed: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda point: (point["y"], point["x"])):
        at = point["y"] + 4
        while any(abs(at - y) < 13 and abs(point["x"] - x) < 200 for x, y in placed):
            at += 13
        point["label_y"] = at
        placed.append((point["x"], at))
