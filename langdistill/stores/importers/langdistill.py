"""Our own traces as JSON lines, as `langdistill traces export` writes them: one trace a line, and nothing changed in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from langdistill.errors import StoreError
from langdistill.records import TRACE_VERSION, Trace
from langdistill.stores.body import encode, upgraded
from langdistill.stores.foreign.documents import Document, documents, read_rows, rows
from langdistill.stores.foreign.expected import Unreadable, an_object
from langdistill.stores.foreign.plain import loads_exactly
from langdistill.stores.importing import Unmapped


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The traces of a file of JSON lines, of a JSON list, or of such files in a folder; `source` stays what it was."""
    return read_rows(documents(path, read=loads_exactly), rows, _row)


def _row(row: Document) -> Iterator[Trace]:
    raw = an_object(row.value, "The row")
    version = raw.get("version", TRACE_VERSION)
    if version not in (1, TRACE_VERSION):
        raise Unreadable("other-version", f"A trace of version {str(version)[:20]}; {TRACE_VERSION} is known here.")
    try:
        trace = Trace.model_validate(upgraded(raw) if version == 1 else raw)
        encode(trace, 0)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Unreadable("no-trace", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (StoreError, ValueError) as error:
        raise Unreadable("no-trace", str(error)[:200]) from error
    yield trace
