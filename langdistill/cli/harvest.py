"""`langdistill harvest`."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table

from langdistill.cli.options import Before, Format, Graph, Since, Thread, User, model_folder, print_json, wide_console
from langdistill.cli.specs import spelt

if TYPE_CHECKING:
    from langdistill.datasets.harvest import Harvest
    from langdistill.records import Outcome

AS_IN_PYTHON = "Written as in Python, in quotes"


class Stopped(StrEnum):
    """How a run may have stopped."""

    ended = "ended"
    failed = "failed"
    cancelled = "cancelled"
    handed_off = "handed-off"
    lost = "lost"


class Extracts(StrEnum):
    """The readers of answers (docs/answers.md)."""

    final_answer = "final_answer"
    number = "number"
    choice = "choice"
    yes_no = "yes_no"
    verdict = "verdict"
    letters = "letters"
    maths = "maths"
    brackets = "brackets"
    json_answer = "json_answer"
    code_block = "code_block"
    free_text = "free_text"


class Containers(StrEnum):
    """What rows are kept in."""

    jsonl = "jsonl"
    parquet = "parquet"


class Engines(StrEnum):
    """Where a harvest runs."""

    local = "local"
    ray = "ray"


VOTED = {"final_answer", "judgement"}
"""Targets whose rows are votes: without any filter of the user's own, the samples must agree."""


def harvest(
    store: Annotated[
        str,
        typer.Argument(
            help="The trace store: an SQLite file, or postgresql://user@host/database; or files, with --from.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    origin: Annotated[
        str | None,
        typer.Option("--from", help="Read files that others recorded: swe_agent, openai_chat, langfuse, ..."),
    ] = None,
    graph: Graph = None,
    strategy: Annotated[str | None, typer.Option(help="Only traces of this strategy.")] = None,
    node: Annotated[str | None, typer.Option(help="Only traces in which this node asked a model.")] = None,
    model: Annotated[str | None, typer.Option(help="Only traces in which this model answered.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only traces with this tag.")] = None,
    thread: Thread = None,
    user: User = None,
    since: Since = None,
    before: Before = None,
    outcome: Annotated[Stopped | None, typer.Option(help="Only traces that stopped so.")] = None,
    min_score: Annotated[float | None, typer.Option(help="Only traces whose feedback has this mean or more.")] = None,
    extract: Annotated[Extracts, typer.Option(help="How an answer is read out of a reply.")] = Extracts.final_answer,
    target: Annotated[
        str,
        typer.Option(
            help=f"What the student shall say: final_answer, with_reasoning, whole_agent, node('plan'), doubt(by_gold('gold.jsonl')); of searches verified(most=2), process_preference, step_values; ... {AS_IN_PYTHON}."
        ),
    ] = "final_answer",
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            help=f"Filters, in this order: agreement(min_share=0.75), no_secrets, ... {AS_IN_PYTHON}; may be given again.",
        ),
    ] = None,
    no_filter: Annotated[
        bool, typer.Option("--no-filter", help="None at all; otherwise votes must agree by half.")
    ] = False,
    keep_unjudged: Annotated[
        bool, typer.Option("--keep-unjudged", help="Keep, and mark, what a filter could not judge.")
    ] = False,
    balanced: Annotated[bool, typer.Option("--balanced", help="Weigh the D rows of a problem 1/D each.")] = False,
    render: Annotated[
        str | None,
        typer.Option(help=f"Training texts of each example: four_formats(shots=4), step_by_step, ... {AS_IN_PYTHON}."),
    ] = None,
    probe: Annotated[
        Path | None,
        typer.Option(
            help="JSON lines with `problem` and `answer`: tells how right the labels are; no filter reads it.",
            exists=True,
        ),
    ] = None,
    format: Annotated[
        str, typer.Option(help="Of the rows: trl, trl_messages, openai, sharegpt, ... Written as in Python.")
    ] = "trl",
    container: Annotated[Containers, typer.Option(help="Of the rows' files.")] = Containers.jsonl,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="Folder of a model, or lab: rows that its chat template or loss mask would spoil are rejected."
        ),
    ] = None,
    validation: Annotated[float, typer.Option(help="Share of the problems that go into the validation split.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
    engine: Annotated[Engines, typer.Option(help="Where it runs; ray needs the extra of that name.")] = Engines.local,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder where it exists.")] = False,
    told: Annotated[Format, typer.Option("--print", help="How the outcome is told: text or json.")] = Format.text,
) -> None:
    """Make a data set of recorded traces; by default of the question and the final answer that the samples agree on."""
    from langdistill import answers
    from langdistill.datasets.formats.fitting import find_format
    from langdistill.datasets.harvest import harvest as gather
    from langdistill.datasets.judging import find_judge
    from langdistill.datasets.refusing import counted
    from langdistill.datasets.targets.finding import find_target
    from langdistill.scale.engines import find_engine
    from langdistill.stores.importing import Files

    files = Files(store, origin) if origin else None
    gathered = gather(
        files or store, graph=graph, strategy=strategy, node=node, model=model, tag=tag,
        thread=thread, user=user, since=since, before=before, outcome=cast("Outcome | None", outcome), min_score=min_score,
        extract=getattr(answers, extract),
    ).target(spelt(target, find_target, inner=find_judge)).on(find_engine(engine))  # fmt: skip
    gathered = _filtered(gathered, [] if no_filter else filters or _usual(target), keep_unjudged=keep_unjudged)
    gathered = _finished(gathered, balanced=balanced, render=render, probe=probe)
    dataset = gathered.write(
        out, format=spelt(format, lambda name: partial(find_format, name)), container=container.value, tokenizer=tokenizer and model_folder(tokenizer), validation=validation, seed=seed,
        overwrite=overwrite,
    )  # fmt: skip
    if files and files.became.reasons:
        typer.echo(f"What the files held besides: {counted(files.became.reasons)}.", err=True)
    if told is Format.json:
        print_json({"out": str(out), **{key: dataset.manifest[key] for key in ("hash", "rows", "funnel", "chain")}})
        return
    console = wide_console()
    console.print(waterfall_of(dataset.funnel))
    console.print(f"{sum(dataset.manifest['rows'].values())} rows in {out}, hash {dataset.hash[:12]}", highlight=False)


def _usual(target: str) -> list[str]:
    return ["agreement(min_share=0.5)"] if target.partition("(")[0].strip() in VOTED else []


def _filtered(gathered: Harvest, filters: list[str], *, keep_unjudged: bool) -> Harvest:
    from langdistill.filters.finding import find_filter
    from langdistill.perturbations.finding import find_perturbation

    made = [spelt(text, find_filter, inner=find_perturbation) for text in filters]
    return gathered.filter(*made, unjudged="keep" if keep_unjudged else "drop")


def _finished(gathered: Harvest, *, balanced: bool, render: str | None, probe: Path | None) -> Harvest:
    from langdistill.datasets.renderings.finding import find_rendering

    gathered = gathered.balanced() if balanced else gathered
    gathered = gathered.render(spelt(render, find_rendering)) if render else gathered
    return gathered.probe(probe) if probe else gathered


def waterfall_of(funnel: list[dict[str, Any]]) -> Table:
    """The stages as a table."""
    table = Table("stage", "kept", "dropped", "rows", "why", "labels right", box=None, pad_edge=False)
    for stage in funnel:
        reasons = {**stage["reasons"], **{f"{reason} (rows)": n for reason, n in stage.get("row_reasons", {}).items()}}
        why = ", ".join(f"{reason}: {count}" for reason, count in reasons.items())
        table.add_row(
            stage["stage"], str(stage["kept"]), str(stage["dropped"]), str(stage.get("rows") or ""), why,
            _precision(stage.get("labels")),
        )  # fmt: skip
    return table


def _precision(labels: dict[str, Any] | None) -> str:
    if not labels:
        return ""
    low, high = labels["interval"]
    return f"{labels['right']}/{labels['of']} [{low:.2f}, {high:.2f}]"
