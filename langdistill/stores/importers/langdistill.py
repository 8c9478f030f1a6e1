"""Our own traces, as `langdistill traces export` writes them: JSON lines or Parquet, a trace a row, and nothing changed in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from langdistill.errors import StoreError
from langdistill.records import TRACE_VERSION, Trace
from langdistill.stores.body import encode, upgraded
from langdistill.stores.foreign.documents import JSON, Document, documents_of, files, read_rows, rows
from langdistill.stores.foreign.expected import Unreadable, an_object
from langdistill.stores.foreign.plain import loads_exactly
from langdistill.stores.importing import Unmapped
from langdistill.stores.parquet import read_rows as rows_of_parquet
from langdistill.stores.parquet_rows import trace_of

PARQUET = ".parquet"
MAGIC = b"PAR1"
"""What a Parquet file begins and ends with."""


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The traces of a file of JSON lines, of a JSON list, of Parquet, or of such files in a folder; `source` stays what it was."""
    for file in files(path, (*JSON, PARQUET)):
        if isinstance(file, Unmapped):
            yield file
        else:
            yield from _of_parquet(*file) if _is_parquet(file[0]) else _of_json(*file)


def _is_parquet(path: Path) -> bool:
    """By what it begins with; where it is nothing or cannot be read, by its name."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(MAGIC))
    except OSError:
        begins = b""
    return begins == MAGIC or (not begins and path.suffix == PARQUET)


def _of_parquet(path: Path, name: str) -> Iterator[Trace | Unmapped]:
    """Of a damaged file, the traces before the damage."""
    at = 0
    try:
        for at, row in enumerate(rows_of_parquet(path), 1):
            yield _of_row(row, f"{name}, row {at}")
    except (OSError, ValueError) as error:
        where = f"{name}, row {at + 1}" if at else name
        yield Unmapped(
            where=where, reason="no-parquet", detail=f"Expected Parquet of this exporter: {str(error)[:200]}."
        )


def _of_row(row: dict[str, Any], where: str) -> Trace | Unmapped:
    try:
        return trace_of(row)
    except (ValueError, LookupError, TypeError, StopIteration) as error:
        return Unmapped(where=where, reason="no-trace", detail=_first_line(error))


def _of_json(path: Path, name: str) -> Iterator[Trace | Unmapped]:
    return read_rows(documents_of(path, name, loads_exactly), rows, _trace)


def _trace(row: Document) -> Iterator[Trace]:
    raw = an_object(row.value, "The row")
    version = raw.get("version", TRACE_VERSION)
    if version not in (1, TRACE_VERSION):
        raise Unreadable("other-version", f"A trace of version {str(version)[:20]}; {TRACE_VERSION} is known here.")
    try:
        trace = Trace.model_validate(upgraded(raw) if version == 1 else raw)
        encode(trace, 0)
    except (StoreError, ValueError) as error:
        raise Unreadable("no-trace", _first_line(error)) from error
    yield trace


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)[:200]
