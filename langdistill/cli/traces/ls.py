"""`langdistill traces ls`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from langdistill.cli.options import (
    Before,
    Format,
    FormatOption,
    Graph,
    Since,
    StoreArgument,
    Thread,
    User,
    opened,
    print_json,
    visible,
    wide_console,
)

if TYPE_CHECKING:
    from langdistill.stores.protocol import Row

COLUMNS = ("started", "id", "name", "thread", "user", "seconds", "calls", "tokens", "outcome", "feedback", "error")
MARKS = {"ended": "green", "failed": "red", "lost": "red", "interrupted": "yellow", "cancelled": "yellow"}


def ls(
    store: StoreArgument,
    graph: Graph = None,
    thread: Thread = None,
    user: User = None,
    since: Since = None,
    before: Before = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many of those recorded last.")] = None,
    format: FormatOption = Format.text,
) -> None:
    """List the traces of a store, a row each, oldest first."""
    from langdistill.stores.protocol import Where

    where = Where(graph=graph, thread=thread, user=user, since=since, before=before)
    with opened(store) as held:
        rows = list(held.rows(where, newest=limit))
    if limit is not None:
        rows.reverse()
    if format is Format.json:
        print_json([asdict(row) for row in rows])
        return
    console = wide_console()
    console.print(table_of(rows))
    console.print(f"{len(rows)} traces")


def table_of(rows: list[Row]) -> Table:
    """The rows as a table."""
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*cells_of(row))
    return table


def cells_of(row: Row) -> list[Any]:
    """A row as texts."""
    return [
        Text(at(row.started)),
        Text(visible(row.id)),
        Text(visible(row.name)),
        Text(visible(row.thread or "")),
        Text(visible(row.user or "")),
        Text(f"{row.seconds:.1f}"),
        Text(str(row.calls)),
        Text(f"{row.input_tokens}+{row.output_tokens}"),
        Text(row.outcome, style=MARKS.get(row.outcome, "")),
        Text(" ".join(f"{score:g}" for score in row.scores)),
        Text(visible(" ".join((row.error or "").split())[:60])),
    ]


def at(seconds: float) -> str:
    """A moment in local time; nothing for one that no calendar holds."""
    try:
        return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds") if seconds else ""
    except (ValueError, OverflowError, OSError):
        return ""
