"""`langdistill dataset`: look at what was harvested."""

from __future__ import annotations

import typer

from langdistill.cli.dataset.preview import preview

dataset = typer.Typer(help="Look at data sets that were harvested.", no_args_is_help=True)
for command in (preview,):
    dataset.command()(command)


@dataset.callback()
def group() -> None:
    """Look at data sets that were harvested."""
