"""What an evaluation found, and what a comparison of two did: in the terminal, and as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from langdistill.evaluation.charts import curve, scatter
from langdistill.evaluation.comparing import Change, Comparison
from langdistill.evaluation.judging import JudgeEvaluation
from langdistill.evaluation.rendering import rendered
from langdistill.evaluation.results import Evaluation
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.folders import write_whole
from langdistill.intervals import Estimate

COLUMNS = (
    "accuracy",
    "interval",
    "n",
    "tokens/answer",
    "of them reasoning",
    "read/answer",
    "of them cached",
    "completions",
    "seconds/answer",
    "money",
    "errors",
)
CATEGORY_COLUMNS = ("n", "before", "after", "right to wrong", "wrong to right", "p")
JUDGE_COLUMNS = ("agreement", "interval", "without ties", "inconsistent", "interval", "first", "second", "n", "unread")
SAMPLE_COLUMNS = ("one sample", "majority of all", "any of all", "samples")
EXAMPLES = 10
"""Flips that are shown of either kind."""


def row(found: Evaluation) -> list[str]:
    """The figures of a run, in the order of `COLUMNS`."""
    low, high = found.interval
    spent, n = found.spent, found.n
    return [
        f"{found.accuracy:.1%}",
        f"{low:.1%} – {high:.1%}",
        str(n),
        f"{found.tokens_per_answer:.1f}",
        f"{spent.reasoning_tokens / n:.1f}",
        f"{spent.input_tokens / n:.1f}",
        f"{spent.cached_tokens / n:.1f}",
        str(spent.completions),
        f"{found.seconds_per_answer:.4f}",
        "–" if found.money is None else f"{found.money:.4g}",
        str(len(found.errors)),
    ]


def change_row(change: Change) -> list[str]:
    """The figures of a category, in the order of `CATEGORY_COLUMNS`."""
    return [
        str(change.n),
        f"{change.before:.1%}",
        f"{change.after:.1%}",
        str(len(change.lost)),
        str(len(change.gained)),
        f"{change.p_value:.2g}",
    ]


def judge_row(found: JudgeEvaluation) -> list[str]:
    """The figures of a judge, in the order of `JUDGE_COLUMNS`."""
    shares = [
        f"{found.agreement.value:.1%}",
        _interval(found.agreement),
        f"{found.agreement_without_ties.value:.1%}",
        f"{found.inconsistent.value:.1%}",
        _interval(found.inconsistent),
        f"{found.prefers_first.value:.1%}",
        f"{found.prefers_second.value:.1%}",
    ]
    return [*shares, str(len(found.read)), str(len(found.unread))]


def sentence(comparison: Comparison) -> str:
    """What a comparison comes to."""
    low, high = comparison.interval
    told = (
        f"{called(comparison.other)} against {called(comparison.one)}: {comparison.difference * 100:+.1f} points "
        f"({comparison.confidence:.0%} interval {low * 100:+.1f} to {high * 100:+.1f}, paired bootstrap, {comparison.resamples:,} "
        f"resamples, seed {comparison.seed}). {len(comparison.lost)} problems went from right to wrong and "
        f"{len(comparison.gained)} from wrong to right: McNemar exact p = {comparison.p_value:.2g}"
    )
    many = len(comparison.lost) + len(comparison.gained) >= 25
    return f"{told}, with continuity correction {comparison.change.p_value_corrected:.2g}." if many else f"{told}."


def tables(
    runs: Sequence[Evaluation], comparison: Comparison | None, judges: Sequence[JudgeEvaluation] = ()
) -> list[Table]:
    """What the terminal shows."""
    shown = [_table("Accuracy and cost", COLUMNS, {called(one.name): row(one) for one in runs})]
    if judges:
        shown.append(_table("As judges", JUDGE_COLUMNS, {called(one.name): judge_row(one) for one in judges}))
    if sampled := {called(one.name): _samples_row(one) for one in runs if one.samples > 1}:
        shown.append(_table("Of several samples", SAMPLE_COLUMNS, sampled))
    if comparison and comparison.categories:
        rows = {name: change_row(change) for name, change in comparison.categories.items()}
        shown.append(_by_category(CATEGORY_COLUMNS, rows))
    elif runs[-1].categories:
        rows = {name: [str(one.n), f"{one.accuracy:.1%}"] for name, one in runs[-1].categories.items()}
        shown.append(_by_category(("n", "accuracy"), rows))
    return shown


def called(name: str) -> str:
    """A model as a table calls it: of one in a folder, the end of its path."""
    return "/".join(Path(name).parts[-2:]) if Path(name).is_absolute() else name


def write_evaluation_report(
    runs: Sequence[Evaluation],
    task: TaskSet,
    out: Path,
    *,
    comparison: Comparison | None = None,
    judges: Sequence[JudgeEvaluation] = (),
    command: str = "",
    versions: Mapping[str, str] | None = None,
) -> None:
    """Write one HTML file that loads nothing from anywhere.

    Args:
        runs: of the same problems; where there is a comparison, what is compared with comes first.
        task: what they were asked.
        out: the file.
        comparison: of two of the runs.
        judges: the same runs, where they are of judges.
        command: what made them, shown so that it can be run again.
        versions: package to version.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    arms = {
        called(one.name): {
            "accuracy": one.accuracy,
            "tokens_per_answer": one.tokens_per_answer,
            "interval": one.interval,
        }
        for one in runs
    }
    lines = _lines([one for one in runs if one.samples > 1])
    page = rendered(
        "evaluation.html.jinja",
        task=task,
        called=called,
        runs=runs,
        columns=COLUMNS,
        row=row,
        scatter=scatter(arms, {}),
        judges=judges,
        judge_columns=JUDGE_COLUMNS,
        judge_row=judge_row,
        curve=curve(lines) if lines else None,
        lines=lines,
        comparison=comparison,
        sentence=sentence(comparison) if comparison else "",
        category_columns=CATEGORY_COLUMNS,
        change_row=change_row,
        flips=_flips(runs, comparison, task) if comparison else {},
        command=command,
        versions=versions or {},
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, page)


def _lines(runs: Sequence[Evaluation]) -> dict[str, list[Estimate]]:
    """The curves over k of the runs that have several samples."""
    found: dict[str, list[Estimate]] = {}
    for one in runs:
        found[f"{called(one.name)}, majority of k"] = [one.majority(k) for k in range(1, one.samples + 1)]
        found[f"{called(one.name)}, any of k"] = [one.passed(k) for k in range(1, one.samples + 1)]
    return found


def _flips(runs: Sequence[Evaluation], comparison: Comparison, task: TaskSet) -> dict[str, list[dict[str, Any]]]:
    """The first problems of either kind, with what was said to them."""
    questions = {one.id: one.question for one in task.problems if one.perturbation is None}
    before, after = runs[0].answers, runs[-1].answers
    return {
        kind: [
            {"id": id, "question": questions[id], "right": task.gold[id], "before": before[id], "after": after[id]}
            for id in ids[:EXAMPLES]
        ]
        for kind, ids in (("Right to wrong", comparison.lost), ("Wrong to right", comparison.gained))
    }


def _samples_row(found: Evaluation) -> list[str]:
    k = found.samples
    shares = [found.majority(1), found.majority(k), found.passed(k)]
    return [*(f"{one.value:.1%} ({_interval(one)})" for one in shares), str(k)]


def _interval(share: Estimate) -> str:
    return f"{share.low:.1%} – {share.high:.1%}"


def _table(title: str, figures: Sequence[str], runs: Mapping[str, Sequence[str]]) -> Table:
    """A line per figure and a column per run, so that it fits a terminal."""
    shown = Table(title=title)
    shown.add_column("")
    for name in runs:
        shown.add_column(name, justify="right", overflow="fold")
    for figure, cells in zip(figures, zip(*runs.values(), strict=True), strict=True):
        shown.add_row(figure, *cells)
    return shown


def _by_category(columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Table:
    shown = Table(title="By category")
    shown.add_column("")
    for column in columns:
        shown.add_column(column, justify="right")
    for name, cells in rows.items():
        shown.add_row(name, *cells)
    return shown
