"""`langdistill dataset`: look into data sets, and compare them."""

from __future__ import annotations

import typer

from langdistill.cli.dataset.diff import diff
from langdistill.cli.dataset.preview import preview

dataset = typer.Typer(help="Look into data sets, and compare them.", no_args_is_help=True)
for command in (preview, diff):
    dataset.command()(command)


@dataset.callback()
def group() -> None:
    """Look into data sets, and compare them."""
