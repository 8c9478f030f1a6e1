"""Traces of a store as one file: JSON lines, or Parquet for other tools. Both are exact and can be imported again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from langdistill.errors import StoreError, UnknownName
from langdistill.folders import file_beside
from langdistill.records import Trace
from langdistill.stores.parquet import write_parquet
from langdistill.stores.protocol import EVERYTHING, Store, Where

Exporter = Callable[[Iterable[Trace], Path], int]
"""Writes traces to a file, one at a time, and counts them."""


def write_jsonl(traces: Iterable[Trace], out: Path) -> int:
    """One trace a line, exact; fields at their default are left out. A lone surrogate is its escape, and NaN is NaN."""
    count = 0
    with out.open("w", encoding="ascii") as file:
        for trace in traces:
            told = {"version": trace.version, **trace.model_dump(exclude_defaults=True)}
            file.write(json.dumps(told, separators=(",", ":")) + "\n")
            count += 1
    return count


EXPORTERS: dict[str, Exporter] = {".jsonl": write_jsonl, ".parquet": write_parquet}


def export_traces(store: Store, out: str | Path, where: Where = EVERYTHING, *, overwrite: bool = False) -> int:
    """Write the traces to a file, which is there whole or not at all.

    Args:
        store: where they are.
        out: the file; its ending says in which format: .jsonl or .parquet.
        where: which of them.
        overwrite: replace the file.

    Returns:
        How many there were.

    Raises:
        UnknownName: of the ending.
        StoreError: the file exists or cannot be written, or the store cannot be read.
        MissingExtra: pyarrow is not installed.
    """
    path = Path(out)
    if path.suffix not in EXPORTERS:
        raise UnknownName("format of a file", path.suffix, EXPORTERS)
    if path.is_dir() or (path.exists() and not overwrite):
        raise StoreError(f"{str(path)!r} exists. Give another file, or overwrite=True (--overwrite) to replace it.")
    try:
        with file_beside(path) as beside:
            return EXPORTERS[path.suffix](store.traces(where), beside)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{str(path)!r} cannot be written: {error}. Give a path in a folder with room.") from error
