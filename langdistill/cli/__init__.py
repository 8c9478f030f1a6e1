"""The command line: one file per command, thin. Errors of langdistill are one paragraph and exit code 2; Ctrl-C is 130."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

import langdistill
from langdistill.cli.art import art
from langdistill.cli.dataset import dataset
from langdistill.cli.demo import demo
from langdistill.cli.evaluate import evaluate
from langdistill.cli.harvest import harvest
from langdistill.cli.mine import mine
from langdistill.cli.purge import purge
from langdistill.cli.search import search
from langdistill.cli.serve import serve
from langdistill.cli.students import students
from langdistill.cli.traces import traces
from langdistill.cli.train import train
from langdistill.errors import LangdistillError

INTERRUPTED = 130
"""Exit code after Ctrl-C; without its standalone mode, Typer returns it instead of raising."""

app = typer.Typer(
    name="langdistill",
    help="Slow thinking, distilled into a small local model that answers at once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, harvest, train, evaluate, serve, mine, purge):
    app.command()(command)
app.add_typer(traces, name="traces")
app.add_typer(search, name="search")
app.add_typer(dataset, name="dataset")
app.add_typer(students, name="students")
app.add_typer(art, name="art")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"langdistill {langdistill.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and leave."
    ),
) -> None:
    """Slow thinking, distilled into a small local model that answers at once."""


def main() -> None:
    """Run a command; leave with 0, with 2 and one paragraph of what to do, or with 130 after Ctrl-C."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models: two threads were several times slower than one
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    told = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    try:
        left = app(standalone_mode=False)
        if left == INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(left)
    except (KeyboardInterrupt, typer.Abort):
        told.print("Interrupted. What was finished is kept; the same command goes on from there.")
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # worker threads of a batch under way would be waited for otherwise
    except LangdistillError as error:
        told.print(f"langdistill: {error}")
        sys.exit(2)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")) and hasattr(error, "format_message"):
            if said := error.format_message():  # type: ignore[attr-defined]  # nothing after the help of a bare command
                told.print(f"langdistill: {said}")
            sys.exit(2)
        raise
