"""`langdistill dataset`: look into data sets."""

from __future__ import annotations

import typer

from langdistill.cli.dataset.diff import diff

dataset = typer.Typer(help="Look into data sets, and compare them.", no_args_is_help=True)
dataset.command()(diff)


@dataset.callback()
def group() -> None:
    """Look into data sets, and compare them."""
