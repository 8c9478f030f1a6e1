"""`langdistill demo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

DEFAULT_TASKS = ["letters", "coin", "arithmetic"]


def demo(
    task: Annotated[
        list[str], typer.Option(help="letters, coin, opinion, judging or arithmetic; may be repeated.")
    ] = DEFAULT_TASKS,
    out: Annotated[
        Path, typer.Option(help="Folder for the report, the results and everything they were made from.")
    ] = Path("runs/demo"),
    seeds: Annotated[int, typer.Option(help="Distillation seeds; from 2 on the interval is over them.")] = 1,
    strategy: Annotated[
        str | None, typer.Option(help="System 2, where not the task's own: chain_of_thought, rephrase_and_respond, ...")
    ] = None,
    questions: Annotated[
        int | None, typer.Option(help="Unlabelled questions to think over; by default as many as the task needs.")
    ] = None,
    test: Annotated[int, typer.Option(help="Final questions to measure on.")] = 300,
    temperature: Annotated[float, typer.Option(help="Of the sampled System 2.")] = 0.7,
    min_share: Annotated[float, typer.Option(help="Share of the samples that must agree.")] = 0.75,
    model: Annotated[
        Path | None, typer.Option(help="Folder of another base model; the shipped one by default.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(help="Tasks under way at once, each on one processor core.", show_default="the cores")
    ] = os.cpu_count() or 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder where it exists.")] = False,
) -> None:
    """Run the whole loop on the embedded model, offline: think, record, harvest, filter, train, evaluate, report."""
    from langdistill.evaluation.report import table
    from langdistill.lab import WEIGHTS
    from langdistill.lab.demo import demo as run
    from langdistill.lab.loop import Settings

    settings = Settings(strategy=strategy, questions=questions, test=test, temperature=temperature, min_share=min_share)
    console = Console()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        known: dict[str, TaskID] = {}

        def progress(step: str, done: int, of: int) -> None:
            if step not in known:
                known[step] = bars.add_task(step, total=of)
            bars.update(known[step], completed=done, total=of)

        results = run(
            task,
            out,
            seeds=seeds,
            settings=settings,
            base=model or WEIGHTS,
            overwrite=overwrite,
            jobs=jobs,
            progress=progress,
        )
    for name, result in results.items():
        for warning in result["warnings"]:
            console.print(f"[bold yellow]Warning ({name}):[/] {warning}")
    console.print(table(results))
    console.print(f"Report: {out / 'report.html'}")
