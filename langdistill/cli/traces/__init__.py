"""`langdistill traces`: look at what was recorded."""

from __future__ import annotations

import typer

from langdistill.cli.traces.files import export, take_in
from langdistill.cli.traces.ls import ls
from langdistill.cli.traces.show import show
from langdistill.cli.traces.tail import tail

traces = typer.Typer(
    help="Look at recorded traces, follow them, and move them from and to files.", no_args_is_help=True
)
for command in (ls, show, tail, export):
    traces.command()(command)
traces.command("import")(take_in)
