"""`langdistill students`: look at what was trained, and change what a running server gives."""

from __future__ import annotations

import typer

from langdistill.cli.students.ls import ls
from langdistill.cli.students.served import load, rollback, served, swap, unload
from langdistill.cli.students.show import show

students = typer.Typer(
    help="Look at trained students, and change which of them a running server gives.", no_args_is_help=True
)
for command in (ls, show, served, load, unload, swap, rollback):
    students.command()(command)
