"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from langdistill.records import Trace
    from langdistill.stores.protocol import Store

LONGEST = 400
"""Characters of a text, without --whole."""
AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])(?:\s+ago)?")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would move the cursor, ring, or recolour the terminal."""


class Format(StrEnum):
    """How a command tells what it found."""

    text = "text"
    json = "json"


def moment(text: str) -> float:
    """A date or time (ISO 8601, local where it names no zone), or how long ago ("90m", "7d"), in seconds since the epoch."""
    if ago := AGO.fullmatch(text.strip()):
        return (datetime.now(UTC) - timedelta(seconds=float(ago[1]) * UNITS[ago[2]])).timestamp()
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise typer.BadParameter(
            f"{text!r} is no date. Give one as 2026-01-31 or 2026-01-31T12:00, or how long ago as 90m, 12h or 7d."
        ) from None


STORE = typer.Argument(help="The trace store: an SQLite file, or postgresql://user@host/database.", show_default=False)
StoreArgument = Annotated[str, STORE]
Graph = Annotated[str | None, typer.Option(help="Only traces of the graph with this name.")]
Thread = Annotated[str | None, typer.Option(help="Only traces of this thread.")]
User = Annotated[str | None, typer.Option(help="Only traces of this user.")]
Since = Annotated[
    Any,
    typer.Option(parser=moment, metavar="DATE", help="Only traces that started then or later: 2026-01-31, or 7d ago."),
]
Before = Annotated[Any, typer.Option(parser=moment, metavar="DATE", help="Only traces that started before that.")]
FormatOption = Annotated[Format, typer.Option("--format", help="Of what is printed.")]


def model_folder(name: str) -> str:
    """The folder of a model that a user named: "lab" is the embedded one."""
    from langdistill.lab import WEIGHTS

    return str(WEIGHTS) if name == "lab" else name


def wide_console() -> Console:
    """Standard output; where it is no terminal, wide enough for every table."""
    console = Console()
    return console if console.is_terminal else Console(width=250)


def bars() -> Progress:
    """Bars of things that are done, on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def visible(text: str) -> str:
    """A recorded text as a terminal may show it: control characters and lone surrogates are spelt out."""
    known = text.encode("utf-8", "backslashreplace").decode()
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", known)


@contextmanager
def opened(target: str, *, must_exist: bool = True) -> Generator[Store]:
    """The store, closed afterwards."""
    from langdistill.stores.opening import open_store

    store = open_store(target, must_exist=must_exist)
    try:
        yield store
    finally:
        store.close()


def trace_of(held: Store, store: str, id: str) -> Trace:
    """The trace of that id, or the one whose id begins so.

    Raises:
        StoreError: there is none, or there are several.
    """
    from langdistill.errors import StoreError

    if trace := held.trace(id):
        return trace
    found = [row.id for row in held.rows() if row.id.startswith(id)]
    trace = held.trace(found[0]) if len(found) == 1 else None
    if trace is None:
        said = f"{len(found)} traces whose ids begin with" if found else "no trace"
        raise StoreError(
            f"The store {store.rpartition('@')[2]!r} holds {said} {id!r}. Its ids: `langdistill traces ls`."
        )
    return trace


def shortened(text: str, *, whole: bool) -> str:
    """A recorded text as a terminal may show it, cut where it is long; how long it is is told then."""
    text = visible(text)
    return text if whole or len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"


def print_json(value: Any, *, lines: bool = False) -> None:
    """A value as JSON, indented, or on one line."""
    import json

    typer.echo(json.dumps(value, indent=None if lines else 2, default=str))
