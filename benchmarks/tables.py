"""Write the tables of the README and of docs/ from `benchmarks/results/`: ``python benchmarks/tables.py``."""

from __future__ import annotations

import json
import re
import runpy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

from langdistill.intervals import student_interval
from langdistill.mining.stopping import flat

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{page}.md"
        for page in (
            "answers",
            "strategies",
            "recording",
            "privacy",
            "harvest",
            "training",
            "top_k_kl",
            "mining",
            "refining",
            "search",
        )
    ),
)
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


GRADED = [
    "| replies | rows | stored, % | read, % | graded alike, rows | no answer, rows |",
    "|---|---|---|---|---|---|",
]


def share(figure: float) -> str:
    return f"{figure:.2f}"


def read_answers(key: str) -> Callable[[dict[str, Any]], str]:
    """One row a set of replies: the stored accuracy and ours."""

    def rows(told: dict[str, Any]) -> str:
        return "\n".join(
            GRADED
            + [
                f"| {row['name']} | {row['rows']:,} | {share(row['figure'])} | {share(row['read'])} "
                f"| {'–' if row['agree'] is None else format(row['agree'], ',')} | {row['unread']} |"
                for row in told[key]
            ]
        )

    return rows


def rephrased(told: dict[str, Any]) -> str:
    """One row a log: what was published, what the authors' own marks in the log add up to, and what a strict reading finds."""
    lines = [
        "| replies of GPT-4 | rows | published, % | authors' marks, % | read, % | graded alike, rows | no answer, rows |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in told["rephrase_and_respond"]:
        figures = " | ".join(share(row[key]) for key in ("figure", "authors", "read"))
        lines.append(f"| {row['name']} | {row['rows']} | {figures} | {row['agree']} | {row['unread']} |")
    return "\n".join(lines)


def disagreements(told: dict[str, Any]) -> str:
    """How many rows of each set are graded otherwise, by the kind of difference."""
    kinds = ["cents", "per cent", "graded wrong, reads right", "other answer", "no answer"]
    lines = [f"| replies | {' | '.join(kinds)} |", "|---" * (len(kinds) + 1) + "|"]
    for row in told["gsm8k"] + told["rephrase_and_respond"]:
        counts = Counter(why for *_, why in row["disagreements"])
        if counts:
            lines.append(f"| {row['name']} | {' | '.join(str(counts[kind]) for kind in kinds)} |")
    return "\n".join(lines)


def judged(told: dict[str, Any]) -> str:
    """The judges and MATH-500: how many of each agree."""
    judges, maths = told["judges"], told["math_500"]
    lines = [
        (
            "pairs judged in both orders: verdicts that are the stored ones",
            judges["verdicts_agree"],
            2 * judges["pairs"],
        ),
        (
            "the same: pairs whose orders contradict each other, as stored",
            judges["inconsistent_stored"],
            judges["pairs"],
        ),
        ("the same: pairs whose orders contradict each other, as read", judges["inconsistent_read"], judges["pairs"]),
        ("reviews with two scores: first lines that are two scores", judges["scores_read"], judges["reviews"]),
        ("the same: scores that are the stored ones", judges["scores_agree"], judges["scores_read"]),
        ("the same: verdicts that the stored scores imply", judges["leaders_agree"], judges["reviews"]),
        (
            "RouteLLM: stored grades that comparing the last run of digits reproduces",
            told["routellm_last_digits"],
            sum(row["rows"] for row in told["gsm8k"][-2:]),
        ),
        ("MATH-500: answers read out of the solution that are the gold answer", maths["agree"], maths["rows"]),
    ]
    return "\n".join(
        ["| what | rows | of |", "|---|---|---|", *(f"| {what} | {rows:,} | {of:,} |" for what, rows, of in lines)]
    )


def stopping(told: dict[str, Any]) -> str:
    """One row a source of votes: accuracy and samples of each rule."""
    rules = ["fixed 40", "adaptive_consistency", "early_stopping"]
    lines = [
        "| votes | n | fixed 40: right, % | adaptive: right, % | difference, points | samples | window of 5: right, % | difference, points | samples |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for source, found in told["sources"].items():
        cells = [f"{found['fixed 40']['n']:,}", f"{100 * found['fixed 40']['accuracy']:.1f}"]
        for rule in rules[1:]:
            row = found[rule]
            difference = f"{100 * row['difference']:+.1f} ± {100 * row['interval']:.1f}"
            cells += [f"{100 * row['accuracy']:.1f}", difference, f"{row['samples']:.1f}"]
        lines.append(f"| {source} | {' | '.join(cells)} |")
    return "\n".join(lines)


def strategies_on_the_lab(told: dict[str, Any]) -> str:
    """One row a task and strategy."""
    lines = [
        "| task | strategy | right, % | completions | tokens generated | failed runs |",
        "|---|---|---|---|---|---|",
    ]
    for task, found in told["tasks"].items():
        for strategy, runs in found.items():
            shares = [100 * run["right"] / run["n"] for run in runs]
            low, high = student_interval(shares)
            spent = " | ".join(f"{mean(run[key] for run in runs):.1f}" for key in ("completions", "tokens"))
            failed = sum(run["failed"] for run in runs)
            lines.append(
                f"| {task} | {strategy} | {mean(shares):.1f} [{max(low, 0):.1f}, {min(high, 100):.1f}] | {spent} | {failed} |"
            )
    return "\n".join(lines)


def machinery(told: dict[str, Any]) -> str:
    """One row a contender, synchronous and not."""
    lines = [
        "| who asks | how | ms | of the critical path | of LangChain alone | µs a call with a model that takes no time |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in told["rows"].items():
        for how, row in found.items():
            lines.append(
                f"| {name} | `{how}` | {row['ms']:.1f} | {row['of_critical_path']:.2f} | {row['of_langchain']:.2f} | "
                f"{row['microseconds_per_call']:.0f} |"
            )
    return "\n".join(lines)


def recording(told: dict[str, Any]) -> str:
    """One row a contender and setting: microseconds per event."""
    lines = [
        "| who records | run | wall [quartiles], µs | CPU, µs | inside its callbacks, µs |",
        "|---|---|---|---|---|",
    ]
    for setting in told["blocks"]:
        for name, found in told["rows"].items():
            row = found[setting]
            wall = f"{row['wall']:.1f} [{row['wall_low']:.1f}, {row['wall_high']:.1f}]"
            inside = f"{row['inside']:.1f}" if "inside" in row else "–"
            lines.append(f"| {name} | {setting} | {wall} | {row['cpu']:.1f} | {inside} |")
    return "\n".join(lines)


def recording_an_agent(told: dict[str, Any]) -> str:
    """One row a contender: its time in two turns of an agent, and its bytes beside those of the messages."""
    lines = [
        "| who records | turn 2, µs | turn 50, µs | ratio | stored or sent, bytes | of the messages | before compression, bytes |",
        "|---|---|---|---|---|---|---|",
    ]
    messages = told["bytes_of_distinct_messages"]
    for name, row in told["agents"].items():
        cells = f"| {name} | {row['turn_2']:.0f} | {row['turn_50']:.0f} | {row['ratio']:.2f} "
        kept = row.get("stored", row.get("sent"))
        cells += f"| {kept:,.0f} | {kept / messages:.2f} " if kept else "| – | – "
        lines.append(cells + (f"| {row['plain']:,.0f} |" if row.get("plain") else "| – |"))
    return "\n".join([*lines, f"| the distinct messages, as JSON | – | – | – | {messages:,.0f} | 1.00 | – |"])


def recording_goals(told: dict[str, Any]) -> str:
    """One row a line that was set."""
    lines = ["| what | limit | found | held |", "|---|---|---|---|"]
    for one in told["goals"]:
        held = "yes" if one["held"] else "**no**"
        lines.append(f"| {one['goal']} | {one['bound']} {one['limit']} | {one['found']:.2f} | {held} |")
    return "\n".join(lines)


def redaction(told: dict[str, Any]) -> str:
    """One row a kind of message."""
    rows = [f"| {row['message']} | {row['microseconds']:,.1f} |" for row in told["rows"]]
    return "\n".join(["| a message of 1 KB | microseconds |", "|---|---|", *rows])


def agent_traces(told: dict[str, Any]) -> str:
    """One row a set of files: what became of it on the way from import to the written rows."""
    lines = [
        "| importer | files | traces | told | whole runs | kept | not judged | taken out, rows | tool calls kept "
        "| TRL messages: rows, calls | OpenAI without thinking: rows, calls |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in told["rows"]:
        lost = [f"{name} {one['rows']:,} ({counts(one['reasons'])})" for name, one in row["taken_out"].items()]
        lost = [*([f"no row: {counts(row['no_row'])}"] if row["no_row"] else []), *lost]
        outputs = [f"{one['rows']:,}, {one['tool_calls']:,}{unfit(one)}" for one in row["written"].values()]
        figures = [f"{row[key]:,}" for key in ("rows", "kept", "unjudged")]
        cells = [row["importer"], f"`{row['files']}`", f"{row['traces']:,}", counts(row["unmapped"]), *figures]
        cells += ["; ".join(lost), f"{row['tool_calls']:,}", *outputs]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def counts(reasons: dict[str, int]) -> str:
    """Reasons with their counts, the three commonest."""
    return ", ".join(f"{reason} {count:,}" for reason, count in Counter(reasons).most_common(3))


def unfit(output: dict[str, Any]) -> str:
    """What a format could not hold, where there is something."""
    return f" (not: {counts(output['unfit'])})" if output["unfit"] else ""


def novelty(told: dict[str, Any]) -> str:
    """One row a size of the pool, then the peers at the largest."""
    lines = [
        "| pool | index, s | search, s | together, s | on the clock, s | texts compared per candidate | not novel |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in told["rows"]:
        seconds = " | ".join(
            f"{row[key]:.1f}" for key in ("seconds_index", "seconds_search", "seconds", "seconds_on_the_clock")
        )
        lines.append(f"| {row['pool']:,} | {seconds} | {row['compared_with']:.0f} | {row['not_novel']:,} |")
    return "\n".join(lines)


def novelty_peers(told: dict[str, Any]) -> str:
    """One row a way of comparing all the candidates with the largest pool."""
    peer, every = told["rouge_score"], told["exhaustive"]
    ours = told["rows"][-1]["seconds"]
    lines = [
        "| how | measured on | time for all pairs |",
        "|---|---|---|",
        f"| `PoolIndex` | all {peer['pairs'] / 1e6:.0f} million pairs | {ours:.0f} s |",
        f"| RapidFuzz with every pair | {every['candidates']} candidates | {every['seconds_projected']:.0f} s, projected |",
    ]
    for how, key in [("rouge-score", ""), ("rouge-score's LCS, texts tokenised beforehand", "_tokenised")]:
        lines.append(f"| {how} | {peer['pairs_timed']:,} pairs | {peer[f'hours_projected{key}']:.0f} h, projected |")
    return "\n".join(lines)


def harvests(told: dict[str, Any]) -> str:
    """One row a size and contender."""
    lines = [
        "| calls | problems | who | time, s | CPU, s | problems a CPU second | memory at its peak, MB | rows kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size in told["rows"]:
        for who in ("langdistill", "datatrove"):
            if row := size.get(who):
                lines.append(
                    f"| {size['calls']:,} | {size['problems']:,} | {who} | {row['seconds']:.0f} | {row['cpu_seconds']:.0f} | "
                    f"{size['problems'] / row['cpu_seconds']:,.0f} | {row['peak_mb']:.0f} | {row['rows']:,} |"
                )
    return "\n".join(lines)


def aligned(told: dict[str, Any]) -> str:
    """One row a teacher's vocabulary, then texts that differ."""
    found = told["alignment"]
    lines = [
        "| teacher's vocabulary | texts | student's tokens | copied, % | tokens a second |",
        "|---|---|---|---|---|",
    ]
    differing = {**found["one_word_differs"], "teacher": f"{found['one_word_differs']['teacher']}; one word differs"}
    for row in [*found["speed"], differing]:
        shown = f"{100 * row['copied']:.1f} | {row['tokens_per_second']:,}"
        own = " (the student's own)" if row["teacher"] == found["student"] else ""
        lines.append(f"| {row['teacher']}{own} | {row['texts']:,} | {row['tokens']:,} | {shown} |")
    return "\n".join(lines)


def alignment_grows(told: dict[str, Any]) -> str:
    """One row a length: memory where the texts are the same; time where they differ throughout."""
    lines = ["| student's tokens of one text | both | bytes a token at the peak | seconds |", "|---|---|---|---|"]
    for row in told["alignment"]["memory"]:
        lines.append(
            f"| {row['tokens']:,} | say the same | {row['bytes'] / row['tokens']:.0f} | {row['seconds']:.2f} |"
        )
    for row in told["alignment"]["differs_throughout"]:
        lines.append(
            f"| {row['tokens']:,} | differ throughout | {row['bytes'] / row['tokens']:.0f} | {row['seconds']:.2f} |"
        )
    return "\n".join(lines)


def divergences(told: dict[str, Any]) -> str:
    """One row a contender and whether the output layer is trained."""
    found = told["loss"]
    whole = {row["head"]: row["bytes"] for row in found["rows"] if row["contender"].startswith("KL")}
    lines = [
        "| loss | output layer | memory at its peak, MiB | of the KL over the whole vocabulary | seconds | relative error: loss, gradient |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        errors = f"{row['error']:.0e}, {row['gradient_error']:.0e}" if "error" in row else "–"
        cells = f"{row['bytes'] / 2**20:,.0f} | {row['bytes'] / whole[row['head']]:.3f} | {row['seconds']:.1f}"
        lines.append(f"| {row['contender']} | {row['head']} | {cells} | {errors} |")
    return "\n".join(lines)


def objectives(told: dict[str, Any]) -> str:
    """One row an arm, a pair of columns a task."""
    tasks = told["tasks"]
    lines = [
        "| student | " + " | ".join(f"{task}, % | tokens | others: thinking, direct" for task in tasks) + " |",
        "|---|" + "---|---|---|" * len(tasks),
    ]
    said = {"base": "the base, not trained", **told["said"]}
    for arm, what in said.items():
        cells: list[str] = []
        for arms in tasks.values():
            row = arms[arm]
            lost = ", ".join(f"{100 * row['lost'][way]:+.1f}" for way in ("thinking", "direct"))
            # the base was not drawn anew: its runs are one and the same
            shown = f"{100 * row['accuracy']:.1f}" if arm == "base" else percent(row)
            cells.append(f"{shown} | {row['tokens']:.0f} | {'' if arm == 'base' else lost}")
        lines.append(f"| {what} | {' | '.join(cells)} |")
    made = {task: arms["star"]["iterations"] for task, arms in tasks.items() if "star" in arms}
    short = ", ".join(f"{task} {found}" for task, found in made.items() if min(found) < 3)
    stopped = (
        f" STaR found nothing right to learn from before its third iteration (iterations made, by seed): {short}."
        if short
        else ""
    )
    thinking = ", ".join(f"{task} {100 * arms['base']['thinking']['accuracy']:.1f}" for task, arms in tasks.items())
    return "\n".join(
        [*lines, "", f"The base asked to think step by step: {thinking}. Seeds: {told['seeds']}.{stopped}"]
    )


def training(told: dict[str, Any]) -> str:
    """Ours beside the plain script."""
    lines = ["| | tokens a second | the whole command, s | loss at the end |", "|---|---|---|---|"]
    for name, what in (("ours", "`train`"), ("plain", "TRL's `SFTTrainer` alone")):
        losses = sorted(set(told["loss"][name]))
        shown = f"{losses[0]:.4f}" if len(losses) == 1 else f"{losses[0]:.4f} to {losses[-1]:.4f}"
        lines.append(f"| {what} | {told['tokens_per_second'][name]:,} | {told['seconds'][name]:.1f} | {shown} |")
    middle, low, high = told["ratio"]["training"]
    whole, whole_low, whole_high = told["ratio"]["whole"]
    lines += [
        "",
        f"Time of the plain script over ours, in pairs, median of {told['rounds']} rounds and Student's 95 % interval of the mean: "
        f"{middle:.2f} [{low:.2f}, {high:.2f}] of the updates, {whole:.2f} [{whole_low:.2f}, {whole_high:.2f}] of the whole command, "
        "in which ours checks every row, keeps checkpoints and writes a card.",
    ]
    return "\n".join(lines)


def about(figure: dict[str, Any] | None, times: float = 100, *, sign: str = "") -> str:
    """A mean with its interval, in per cent or points."""
    if figure is None or figure["mean"] is None:
        return "–"
    shown = f"{times * figure['mean']:{sign}.1f}"
    if not figure["interval"]:
        return shown
    low, high = figure["interval"]
    return f"{shown} [{times * low:{sign}.1f}, {times * high:{sign}.1f}]"


GROUPS = ("all", "taught", "rank 1", "rank 4")
"""Kinds of instruction: all, those with at least ten seeds, and the commonest and rarest tool of each country."""


def skill_world(told: dict[str, Any]) -> str:
    """One row an arm: its splits by round, and its last student."""
    lines = [
        "| arm | called hard by round, % | change, points | split against the truth, last round, % | right, %: all kinds | taught by the seeds | commonest | rarest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    first = told["arms"]["adversarial"]["students"][0]
    lines.append(f"| after the seeds alone | | | | {' | '.join(about(first.get(group)) for group in GROUPS)} |")
    for arm, what in told["said"].items():
        found = told["arms"][arm]
        hard = ", ".join(f"{100 * one['share_hard']['mean']:.0f}" for one in found["rounds"])
        changed = about(told["fallen"][arm]["share_hard"], sign="+")
        split, last = about(found["rounds"][-1]["mis_split"]), found["students"][-1]
        lines.append(
            f"| {what} | {hard} | {changed} | {split} | {' | '.join(about(last.get(group)) for group in GROUPS)} |"
        )
    return "\n".join([*lines, "", f"Worlds: {told['seeds']}. {stopped_early(told)}"])


def stopped_early(told: dict[str, Any], within: float = 0.02) -> str:
    """What a rule that ends flat runs would have saved and cost the paper's arm."""
    arm, rule = told["arms"]["adversarial"], flat("share_hard", within=within)
    shares = list(zip(*(one["share_hard"]["runs"] for one in arm["rounds"]), strict=True))
    right = list(zip(*(one["all"]["runs"] for one in arm["students"]), strict=True))
    cut: list[str] = []
    for world, found in enumerate(shares):
        reports = [{"share_hard": share} for share in found]
        at = next((at for at in range(1, len(found)) if rule(reports[: at + 1])), None)
        if at is not None:
            cut.append(f"{100 * right[world][at]:.0f} instead of {100 * right[world][-1]:.0f} %")
    rule_said = f'`stop=flat("share_hard", within={within})`'
    if not cut:
        return f"{rule_said} would have ended no run early."
    return f"{rule_said} would have ended {len(cut)} of {told['seeds']} runs early, with {', '.join(cut)} right of all kinds."


def skill_world_beyond(told: dict[str, Any]) -> str:
    """One row an arm: its last student less that of the paper's arm, world by world."""
    lines = [
        "| arm, less the paper's, points | all kinds | taught by the seeds | commonest | rarest |",
        "|---|---|---|---|---|",
    ]
    for arm, found in told["beyond"].items():
        cells = " | ".join(about(found.get(group), sign="+") for group in GROUPS)
        lines.append(f"| {told['said'][arm]} | {cells} |")
    return "\n".join(lines)


def mining_savings(told: dict[str, Any]) -> str:
    """One row a setting of the referee."""
    lines = [
        "| setting | calls of the referee, % | differs, % | wrong, % | hard ones, estimate less the paper's |",
        "|---|---|---|---|---|",
    ]
    for row in told["savings"]:
        cells = [about(row[key]) for key in ("calls", "differs", "wrong")] + [about(row["estimate"], 1, sign="+")]
        lines.append(f"| {row['said']} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{told['seeds']} instructions in each of {told['worlds']} worlds."])


def mining_time(told: dict[str, Any]) -> str:
    """One row a way of running and number of requests at once."""
    lines = ["| at once | run by | chain, s | round, s | ratio: median (least, most) |", "|---|---|---|---|---|"]
    for row in told["time"]:
        spread = f"{row['ratio']:.2f} ({row['least']:.2f}, {row['most']:.2f})"
        lines.append(f"| {row['at_once']} | `{row['way']}` | {row['chain']:.2f} | {row['seconds']:.2f} | {spread} |")
    shown = f"{told['instructions']:,} instructions, {told['per_round']} written, {told['rounds']} repetitions; the goal is 1.15."
    return "\n".join([*lines, "", shown])


TABLES = {
    "skill-world": ("skill_world", skill_world),
    "skill-world-beyond": ("skill_world", skill_world_beyond),
    "mining-savings": ("mining", mining_savings),
    "mining-time": ("mining", mining_time),
    "objectives": ("objectives", objectives),
    "training": ("training", training),
    "alignment": ("top_k_kl", aligned),
    "alignment-grows": ("top_k_kl", alignment_grows),
    "top-k-kl": ("top_k_kl", divergences),
    "novelty": ("novelty", novelty),
    "novelty-peers": ("novelty", novelty_peers),
    "harvest": ("harvest", harvests),
    "harvest-goals": ("harvest", recording_goals),
    "recording": ("recorder", recording),
    "recording-an-agent": ("recorder", recording_an_agent),
    "recording-goals": ("recorder", recording_goals),
    "redaction": ("redaction", redaction),
    "stopping": ("stopping", stopping),
    "strategies": ("strategies", machinery),
    "strategies-on-the-lab": ("strategies_on_the_lab", strategies_on_the_lab),
    "distillation": ("distillation", accuracies),
    "labels": ("distillation", labels),
    "bad-teacher-labels": ("bad-teacher", labels),
    "answers-bbh": ("answers", read_answers("bbh")),
    "answers-gsm8k": ("answers", read_answers("gsm8k")),
    "answers-rephrase-and-respond": ("answers", rephrased),
    "answers-disagreements": ("answers", disagreements),
    "answers-judges": ("answers", judged),
    "agent_traces": ("agent_traces", agent_traces),
}
"""Place in a page to the result it is made of and how; those of a station with many are in a file beside this one."""
for station in sorted(Path(__file__).parent.glob("*_tables.py")):
    TABLES |= runpy.run_path(str(station))["TABLES"]


def render(name: str) -> str:
    """A table, with the command that made it."""
    result, of = TABLES[name]
    told = json.loads((RESULTS / f"{result}.json").read_text())
    return f"{of(told)}\n\n`{told['command']}`\n"


def filled(text: str) -> str:
    """A text with every table in its place."""
    return PLACE.sub(lambda place: f"{place[1]}{render(place['name'])}{place[3]}", text)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
