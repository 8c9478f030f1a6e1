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


def differences(told: dict[str, Any]) -> str:
    """One row a pair of arms: points, paired by seed."""
    lines = ["| | points |", "|---|---|"]
    for name, row in told["accuracy"]["differences"].items():
        low, high = row["interval"]
        lines.append(f"| {name} | {100 * row['mean']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] |")
    return "\n".join(lines)


def speed(told: dict[str, Any]) -> str:
    """One row a problem: how often faster than the same tree in sequence, and per completion than rollouts in sequence."""
    lines = [
        "| server gives | requests | completions | rounds | the same tree, one request after the other | one rollout after the other, per completion |",
        "|---|---|---|---|---|---|",
    ]
    for server, problems in told["speed"].items():
        for one in problems:
            [together, *_] = one["arms"].values()
            same_tree, in_turn = one["times_faster"][0], one["times_faster_per_completion"][1]
            lines.append(
                f"| {server} | {together['requests']:,} | {together['completions']:,} | {together['rounds']} | {same_tree:.1f} x | {in_turn:.1f} x |"
            )
    return "\n".join(lines)


def checkpoints(told: dict[str, Any]) -> str:
    """One row a checkpointer: the line through nodes and bytes."""
    lines = ["| checkpointer | nodes | bytes a node | R² of the line |", "|---|---|---|---|"]
    for name, row in told["checkpoints"].items():
        nodes = f"{min(row['nodes'])} to {max(row['nodes'])}"
        lines.append(f"| {name} | {nodes} | {row['bytes_per_node']:,.0f} | {row['r_squared']:.3f} |")
    return "\n".join(lines)


def prefix_cache(told: dict[str, Any]) -> str:
    """One row a preset: means over the problems."""
    lines = [
        "| preset | nodes | completions | requests | tokens of prompts | of these in the cache, % | looked up for n replies | of these in the cache, % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in told["presets"].items():
        mean = {key: one["mean"] for key, one in row.items()}
        counts = " | ".join(f"{mean[key]:,.0f}" for key in ("nodes", "completions", "requests", "prompt_tokens"))
        lines.append(
            f"| {name} | {counts} | {100 * mean['cached_of_requests']:.1f} | {mean['looked_up']:,.0f} | {100 * mean['hits']:.1f} |"
        )
    return "\n".join(lines)


TABLES = {
    "search": ("search", accuracy),
    "search-differences": ("search", differences),
    "search-simulations": ("search", simulations),
    "search-speed": ("search", speed),
    "search-checkpoints": ("search", checkpoints),
    "search-prefix-cache": ("search_on_vllm", prefix_cache),
    "search-on-the-lab": ("search_on_the_lab", accuracy),
    "search-on-the-lab-differences": ("search_on_the_lab", differences),
}
