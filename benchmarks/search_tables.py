"""The tables of docs/search.md, as Markdown."""

from __future__ import annotations

from typing import Any


def accuracy(told: dict[str, Any]) -> str:
    """One row an arm: over the seeds."""
    lines = ["| arm | right, % | completions | tokens read and generated |", "|---|---|---|---|"]
    for name, row in told["accuracy"]["arms"].items():
        low, high = row["accuracy"]["interval"]
        right = f"{100 * row['accuracy']['mean']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        lines.append(f"| {name} | {right} | {row['completions']['mean']:.0f} | {row['tokens']['mean']:,.0f} |")
    return "\n".join(lines)


def simulations(told: dict[str, Any]) -> str:
    """One row a discriminator."""
    lines = [
        "| candidates | it keeps right ones, wrong ones | majority | share + survival (the authors' code) | reward x confidence | smoothed survival |",
        "|---|---|---|---|---|---|",
    ]
    for row in told["simulations"]:
        found = row["accuracy"]
        cells = " | ".join(f"{100 * found[key]:.1f}" for key in ("majority", "repo", "product", "smoothed"))
        lines.append(f"| {row['candidates']} | {row['keeps_right']}, {row['keeps_wrong']} | {cells} |")
    return "\n".join(lines)


def on_the_lab(told: dict[str, Any]) -> str:
    """One row an arm: over the seeds; what is subtracted from it, where something is."""
    beyond = {name.split(" - ")[0]: list[str]() for name in told["differences"]}
    for name, row in told["differences"].items():
        one, other = name.split(" - ")
        low, high = row["interval"]
        beyond[one].append(f"{100 * row['mean']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] than {other}")
    lines = ["| arm | right, % | completions | read | generated | points more |", "|---|---|---|---|---|---|"]
    for name, row in told["arms"].items():
        low, high = row["accuracy"]["interval"]
        right = f"{100 * row['accuracy']['mean']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        amounts = " | ".join(f"{row[key]['mean']:,.0f}" for key in ("completions", "read", "generated"))
        lines.append(f"| {name} | {right} | {amounts} | {'; '.join(beyond.get(name, []))} |")
    return "\n".join(lines)


TABLES = {
    "search-on-the-lab": ("search_on_the_lab", on_the_lab),
    "search": ("search", accuracy),
    "search-simulations": ("search", simulations),
}
