"""Traces as a Parquet file: a row a trace, for DuckDB, pandas, Spark and the like, and exact for who reads it here again.

Messages, steps, calls and tool runs are nested columns; what has no fixed shape (tool calls, parameters, arguments, metadata, block
contents) is JSON text. The file is written and read a row group at a time, so memory is bounded by one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from langdistill.errors import MissingExtra
from langdistill.records import Trace
from langdistill.stores.parquet_rows import row_of

GROUP_BYTES = 8_000_000
"""Characters of the traces in a row group, more or less."""
GROUP_ROWS = 500
READ_ROWS = 50


def write_parquet(traces: Iterable[Trace], out: Path) -> int:
    """Write the traces one row group at a time, and count them.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    arrow, parquet = _arrow()
    schema, count = _schema(arrow, arrow.timestamp("us", tz="UTC")), 0
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for rows in _groups(traces):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file that `write_parquet` wrote, as `parquet_rows.trace_of` takes them; a few are in memory at a time.

    Raises:
        ValueError: it is no Parquet file, or one with other columns.
        MissingExtra: pyarrow is not installed.
    """
    arrow, parquet = _arrow()
    # as numbers: no calendar of Python's holds every timestamp of Parquet
    schema = _schema(arrow, arrow.int64())
    with parquet.ParquetFile(path) as file:
        missing = [name for name in schema.names if name not in file.schema_arrow.names]
        if missing:
            raise ValueError(f"it has no column {missing[0]!r}, so it was not written here, or by an older release")
        for batch in file.iter_batches(batch_size=READ_ROWS, columns=schema.names):
            yield from arrow.Table.from_batches([batch]).select(schema.names).cast(schema).to_pylist()


def _arrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as missing:
        raise MissingExtra("pyarrow", "parquet") from missing


def _groups(traces: Iterable[Trace]) -> Iterable[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    size = 0
    for trace in traces:
        rows.append(row_of(trace))
        size += sum(len(str(one)) for call in trace.calls for one in call.prompt) + 1000
        if size > GROUP_BYTES or len(rows) == GROUP_ROWS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _schema(arrow: Any, moment: Any) -> Any:
    text, number, whole, truth = arrow.string(), arrow.float64(), arrow.int64(), arrow.bool_()

    def struct(**fields: Any) -> Any:
        return arrow.struct([arrow.field(name, kind) for name, kind in fields.items()])

    said = struct(
        role=text, content=text, name=text, tool_calls=text, tool_call_id=text, reasoning_content=text, blocks=truth
    )
    messages = arrow.list_(said)
    replies = arrow.list_(struct(message=said, finish_reason=text, partial=truth, logprobs=text))
    step = struct(
        name=text, path=text, parent=whole, agent=text, branch=whole, attempt=whole, started=moment, ended=moment,
        outcome=text, error=text,
    )  # fmt: skip
    call = struct(
        id=text, step=whole, parent=whole, path=text, node=text, branch=whole, strategy=text, candidate=truth,
        refinement=truth, hint=text, retries=whole, model=text, provider=text, params=text, tools=text, prompt=messages, replies=replies,
        input_tokens=whole, output_tokens=whole, cached_tokens=whole, reasoning_tokens=whole, cached=truth,
        started=moment, first_token=moment, ended=moment, error=text,
    )  # fmt: skip
    tool_run = struct(
        id=text, name=text, step=whole, path=text, call=whole, tool_call_id=text, arguments=text, output=text,
        started=moment, ended=moment, error=text,
    )  # fmt: skip
    thought = struct(
        parent=whole, action=text, text=text, answer=text, reward=number, visits=whole, value=number, agreed=whole,
        completed=whole,
    )  # fmt: skip
    columns = {
        "id": text, "version": whole, "source": text, "name": text, "strategy": text, "problem": text, "thread": text,
        "user": text, "continues": text, "resume": text, "started": moment, "ended": moment, "seconds": number,
        "outcome": text, "error": text, "input_tokens": whole, "output_tokens": whole, "input": messages,
        "earlier": whole, "output": messages, "answer": text, "steps": arrow.list_(step), "calls": arrow.list_(call),
        "tool_runs": arrow.list_(tool_run), "interrupts": arrow.list_(struct(id=text, value=text, path=text)),
        "handoffs": arrow.list_(struct(source=text, target=text)),
        "searches": arrow.list_(struct(step=whole, chosen=whole, thoughts=arrow.list_(thought))),
        "feedback": arrow.list_(struct(name=text, score=number, comment=text, at=moment)), "tags": arrow.list_(text),
        "metadata": text, "versions": text, "consent": text, "licence": text, "expires": moment, "lost": whole,
        "clock": arrow.list_(number), "exactly": text,
    }  # fmt: skip
    return arrow.schema(list(columns.items()))
