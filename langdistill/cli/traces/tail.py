"""`langdistill traces tail`."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated

import typer

from langdistill.cli.options import (
    Format,
    FormatOption,
    Graph,
    StoreArgument,
    Thread,
    User,
    opened,
    print_json,
)
from langdistill.cli.traces.ls import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langdistill.stores.protocol import Row, Store, Where

REMEMBERED = 10_000
"""Ids of traces that were shown."""


def tail(
    store: StoreArgument,
    graph: Graph = None,
    thread: Thread = None,
    user: User = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Traces to begin with.")] = 10,
    once: Annotated[bool, typer.Option("--once", help="Show those, and follow no new ones.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many traces.")] = None,
    every: Annotated[float, typer.Option(min=0.01, help="Seconds between two looks.")] = 1.0,
    format: FormatOption = Format.text,
) -> None:
    """Show the last traces of a store, and new ones as they come, until Ctrl-C."""
    from langdistill.stores.protocol import Where

    where = Where(graph=graph, thread=thread, user=user)
    with opened(store) as held:
        for shown, row in enumerate(_following(held, where, lines, None if once else every), 1):
            if format is Format.json:
                print_json(asdict(row), lines=True)
            else:
                typer.echo("  ".join(str(cell) for cell in cells_of(row) if str(cell)))
            if shown == count:
                return


def _following(store: Store, where: Where, lines: int, every: float | None) -> Iterator[Row]:
    last = list(store.rows(where, newest=REMEMBERED))
    known = deque((row.id for row in reversed(last)), REMEMBERED)
    yield from reversed(last[:lines])
    while every is not None:
        shown = set(known)
        fresh = list(takewhile(lambda row, shown=shown: row.id not in shown, store.rows(where, newest=REMEMBERED)))
        for row in reversed(fresh):
            known.append(row.id)
            yield row
        time.sleep(every)
