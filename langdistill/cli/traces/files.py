"""`langdistill traces export` and `langdistill traces import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
)


def export(
    store: StoreArgument,
    out: Annotated[Path, typer.Argument(help="The file to write: .jsonl or .parquet.", show_default=False)],
    graph: Graph = None,
    thread: Thread = None,
    user: User = None,
    since: Since = None,
    before: Before = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it exists.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Write the traces of a store to a file: JSON lines, or Parquet for other tools. Both are exact and can be imported again."""
    from langdistill.stores.exporting import export_traces
    from langdistill.stores.protocol import Where

    where = Where(graph=graph, thread=thread, user=user, since=since, before=before)
    with opened(store) as held:
        count = export_traces(held, out, where, overwrite=overwrite)
    if format is Format.json:
        print_json({"traces": count, "out": str(out)})
    else:
        typer.echo(f"{count} traces in {out}")


def take_in(
    store: StoreArgument,
    path: Annotated[Path, typer.Argument(help="The file or folder to read.", show_default=False, exists=True)],
    origin: Annotated[str, typer.Option("--from", help="Its format: langdistill, openai_chat, langsmith, ...")],
    format: FormatOption = Format.text,
) -> None:
    """Read traces that others recorded, and tell every row that could not be mapped, with its reason."""
    from langdistill.stores.importing import find_importer, import_traces

    find_importer(origin)  # a wrong name makes no store
    with opened(store, must_exist=False) as held:
        became = import_traces(path, origin, held)
    if format is Format.json:
        unmapped = [one.model_dump() for one in became.unmapped]
        print_json({"traces": became.traces, "reasons": became.reasons, "unmapped": unmapped})
        return
    typer.echo(f"{became.traces} traces in {store.rpartition('@')[2]}; {len(became.unmapped)} unmapped")
    for reason, count in became.reasons.items():
        typer.echo(f"  {reason}: {count}")
    for one in became.unmapped:
        typer.echo(f"{one.where}: {one.reason} {one.detail}".rstrip())
