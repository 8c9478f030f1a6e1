"""The tables of docs/refining.md, as Markdown."""

from __future__ import annotations

from typing import Any

Figure = dict[str, Any]
"""Mean and interval over seeds or splits, with the same of the differences to others ("more than")."""

MODELS = {
    "6b_finetuning": "6B",
    "6b_verification": "6B, verified",
    "175b_finetuning": "175B",
    "175b_verification": "175B, verified",
}
TRUSTERS = {
    "surface": "ten surface features (the floor)",
    "features": "**124 features**",
    "transformer": "transformer from scratch",
    "both": "both, weighed on validation",
    "model": "*the model's name alone*",
    "features and model": "*features and the model's name*",
    "features and agreement": "*features and agreement with the other models*",
}


def share(figure: Figure, bounds: str = "interval") -> str:
    """In per cent, with its interval."""
    low, high = figure[bounds]
    return f"{100 * figure['mean']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def points(figure: Figure, other: str, bounds: str = "interval") -> str:
    """A difference in points, with its interval."""
    more = figure["more than"][other]
    low, high = more[bounds]
    return f"{100 * more['mean']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def trusters(told: dict[str, Any]) -> str:
    """One row a truster."""
    lines = [
        "| truster | pairs ranked right, % | more than the floor, points | the same, corrected | seconds to train |",
        "|---|---|---|---|---|",
    ]
    for name, title in TRUSTERS.items():
        row = told["trusters"][name]
        gain = (
            ["", ""] if name == "surface" else [points(row, "surface", bounds) for bounds in ("interval", "corrected")]
        )
        took = row.get("seconds")
        seconds = "" if took is None else f"{took:.0f}" if took >= 1 else f"{took:.2f}"
        lines.append(f"| {title} | {share(row)} | {' | '.join(gain)} | {seconds} |")
    return "\n".join(lines)


def askers(told: dict[str, Any]) -> str:
    """One row an asker."""
    lines = [
        "| asker | area under the curve, % | more than the floor, points | the same, corrected | each split, with a bootstrap over questions |",
        "|---|---|---|---|---|",
    ]
    for name, row in told["askers"].items():
        gain = (
            ["", ""] if name == "surface" else [points(row, "surface", bounds) for bounds in ("interval", "corrected")]
        )
        each = ", ".join(
            f"{100 * one['value']:.1f} [{100 * one['low']:.1f}, {100 * one['high']:.1f}]" for one in row["each"]
        )
        lines.append(f"| {TRUSTERS[name]} | {share(row)} | {' | '.join(gain)} | {each} |")
    return "\n".join(lines)


def selection(told: dict[str, Any]) -> str:
    """One row a way to choose among four solutions."""
    lines = ["| chosen by | right, % | more than the best single model, points |", "|---|---|---|"]
    for name, row in told["selection"].items():
        more = "" if name == "best single" else points(row, "best single")
        lines.append(f"| {name} | {share(row)} | {more} |")
    return "\n".join(lines)


def pairs(told: dict[str, Any]) -> str:
    """One row an ordered pair of models."""
    lines = [
        "| first answers by | second by | first alone | second alone: refine everything | everything, truster | asker, most recent | **asker, truster** | refined, % | more than first | more than second |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in told["sweep"].items():
        first, second = (MODELS[one] for one in name.split(" > "))
        chosen = row["asker, truster"]
        alone = [
            f"{100 * row[key]['mean']:.1f}" for key in ("first", "second", "always, truster", "asker, most_recent")
        ]
        lines.append(
            f"| {first} | {second} | {' | '.join(alone)} | {share(chosen)} | {100 * chosen['rate']:.0f} | "
            f"{points(chosen, 'first')} | {points(chosen, 'second')} |"
        )
    return "\n".join(lines)


def on_the_lab(told: dict[str, Any]) -> str:
    """One row an arm: over the seeds."""
    lines = [
        "| arm | right, % | more than the first answers, points | refined, % | mended, % | spoilt, % | completions | tokens |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in told["arms"].items():
        shares = [
            f"{100 * row[key]['mean']:.1f}" if key in row else ""
            for key in ("refined", "wrong_to_right", "right_to_wrong")
        ]
        low, high = told["beyond"][name]["interval"]
        more = (
            f"{100 * told['beyond'][name]['mean']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
            if name != "initial"
            else ""
        )
        cost = f"{row['completions']['mean']:.2f} | {row['tokens']['mean']:.0f}"
        lines.append(f"| {told['said'][name]} | {share(row['accuracy'])} | {more} | {' | '.join(shares)} | {cost} |")
    return "\n".join(lines)


def detection_on_the_lab(told: dict[str, Any]) -> str:
    """What asker and truster can tell on the final questions."""
    final = told["detection"]["final"]
    lines = ["| | over the seeds, % |", "|---|---|"]
    for key, title in (
        ("decisions", "answers on which the asker comes to a decision"),
        ("asker_auc", "area under the asker's curve"),
        ("truster_accuracy", "pairs of a right and a wrong answer that the truster ranks right"),
    ):
        lines.append(f"| {title} | {share(final[key])} |")
    return "\n".join(lines)


SETS = {"gsm8k": "GSM8K, socratic", "strategy_qa": "StrategyQA"}


def sub_questions(told: dict[str, Any]) -> str:
    """One row a data set and arm; intervals over the questions of the test."""
    lines = [
        "| data set | sub-questions by | ROUGE-L | more than the nearest question's | count off by | right count, % | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, task in told["tasks"].items():
        for arm, row in task["arms"].items():
            more = row.get("above", {}).get("nearest")
            gain = "" if more is None else _over_questions(more, "+.3f")
            counts = f"{_over_questions(row['count_error'], '.2f')} | {100 * row['right_count']['value']:.0f}"
            seeds = len(row["rouge_l"]["runs"])
            lines.append(
                f"| {SETS[name]} | {told['said'][arm]} | {_over_questions(row['rouge_l'], '.3f')} | {gain} | {counts} | {seeds} |"
            )
    return "\n".join(lines)


def _over_questions(figure: Figure, spelt: str) -> str:
    low, high = figure["over_questions"]
    return f"{figure['value']:{spelt}} [{low:{spelt}}, {high:{spelt}}]"


TABLES = {
    "sub-questions": ("sub_questions", sub_questions),
    "refining": ("refining", on_the_lab),
    "refining-detection": ("refining", detection_on_the_lab),
    "solutions-trusters": ("solutions", trusters),
    "solutions-askers": ("solutions", askers),
    "solutions-selection": ("solutions", selection),
    "solutions-pairs": ("solutions", pairs),
}
