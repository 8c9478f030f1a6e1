"""`langdistill search`: look at the trees that were searched for an answer."""

from __future__ import annotations

import typer

from langdistill.cli.search.show import show

search = typer.Typer(help="Look at recorded searches over reasoning steps.", no_args_is_help=True)
search.command()(show)
