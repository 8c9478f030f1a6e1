"""`langdistill harvest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from langdistill.cli.options import StoreArgument


def harvest(
    store: StoreArgument,
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    graph: Annotated[str | None, typer.Option(help="Only traces of the graph with this name.")] = None,
    min_share: Annotated[float, typer.Option(help="Share of a problem's samples that must agree.")] = 0.5,
    no_filter: Annotated[bool, typer.Option("--no-filter", help="Keep every problem that has an answer.")] = False,
    validation: Annotated[float, typer.Option(help="Share of the problems that go into the validation split.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder where it exists.")] = False,
) -> None:
    """Make a data set of recorded traces: the question, and the final answer that the samples agree on."""
    from langdistill.datasets.harvest import harvest as gather
    from langdistill.filters.agreement import agreement

    gathered = gather(store, graph=graph)
    if not no_filter:
        gathered = gathered.filter(agreement(min_share=min_share))
    dataset = gathered.write(out, validation=validation, seed=seed, overwrite=overwrite)
    for stage in dataset.funnel:
        typer.echo(
            f"{stage['stage']}: kept {stage['kept']}, dropped {stage['dropped']} {stage['reasons'] or ''}".rstrip()
        )
    typer.echo(f"{len(dataset.rows())} rows in {out}, hash {dataset.hash[:12]}")
