"""Traces as a Parquet file: a row a trace, for DuckDB, pandas, Spark and the like.

Messages, calls and tool runs are nested columns; what has no fixed shape (tool calls, parameters, arguments, metadata, block
contents) is JSON text. The file is written in row groups as the traces are read, so memory is bounded by one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from langdistill.errors import MissingExtra
from langdistill.records import Call, Message, ToolRun, Trace

GROUP_BYTES = 8_000_000
"""Characters of the traces in a row group, more or less."""
GROUP_ROWS = 500


def write_parquet(traces: Iterable[Trace], out: Path) -> int:
    """Write the traces one row group at a time, and count them.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as missing:
        raise MissingExtra("pyarrow", "parquet") from missing
    schema, count = _schema(arrow), 0
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for rows in _groups(traces):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _groups(traces: Iterable[Trace]) -> Iterable[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    size = 0
    for trace in traces:
        rows.append(_row(trace))
        size += sum(len(str(one)) for call in trace.calls for one in call.prompt) + 1000
        if size > GROUP_BYTES or len(rows) == GROUP_ROWS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _schema(arrow: Any) -> Any:
    text, number, whole, truth = arrow.string(), arrow.float64(), arrow.int64(), arrow.bool_()
    moment = arrow.timestamp("us", tz="UTC")

    def struct(**fields: Any) -> Any:
        return arrow.struct([arrow.field(name, kind) for name, kind in fields.items()])

    said = struct(role=text, content=text, name=text, tool_calls=text, tool_call_id=text, reasoning_content=text)
    messages = arrow.list_(said)
    replies = arrow.list_(struct(message=said, finish_reason=text, partial=truth))
    call = struct(
        id=text, path=text, node=text, strategy=text, candidate=truth, hint=text, model=text, provider=text, params=text,
        tools=text, prompt=messages, replies=replies, input_tokens=whole, output_tokens=whole, cached_tokens=whole,
        reasoning_tokens=whole, cached=truth, started=moment, first_token=moment, ended=moment, error=text,
    )  # fmt: skip
    tool_run = struct(
        id=text, name=text, path=text, call=whole, tool_call_id=text, arguments=text, output=text, started=moment,
        ended=moment, error=text,
    )  # fmt: skip
    columns = {
        "id": text, "source": text, "name": text, "strategy": text, "problem": text, "thread": text, "user": text,
        "continues": text, "started": moment, "ended": moment, "seconds": number, "outcome": text, "error": text,
        "input_tokens": whole, "output_tokens": whole, "input": messages, "output": messages, "answer": text,
        "calls": arrow.list_(call), "tool_runs": arrow.list_(tool_run),
        "feedback": arrow.list_(struct(name=text, score=number, comment=text, at=moment)),
        "tags": arrow.list_(text), "metadata": text, "versions": text, "consent": text, "licence": text, "lost": whole,
    }  # fmt: skip
    return arrow.schema(list(columns.items()))


def _row(trace: Trace) -> dict[str, Any]:
    plain = {
        name: getattr(trace, name)
        for name in ("id", "source", "name", "strategy", "problem", "thread", "user", "continues", "outcome", "error",
                     "answer", "tags", "output_tokens", "consent", "licence", "lost")
    }  # fmt: skip
    return _clean(plain) | {
        **_times(trace, "started", "ended"),
        "seconds": max(0.0, trace.ended - trace.started),
        "input_tokens": sum(call.usage.input_tokens for call in trace.calls),
        "input": [_message(one) for one in trace.input],
        "output": [_message(one) for one in trace.output],
        "calls": [_call(call) for call in trace.calls],
        "tool_runs": [_tool_run(run) for run in trace.tool_runs],
        "feedback": [_clean(one.model_dump()) | _times(one, "at") for one in trace.feedback],
        "metadata": _json(trace.metadata),
        "versions": _json(trace.versions),
    }


def _call(call: Call) -> dict[str, Any]:
    names = ("id", "path", "node", "strategy", "candidate", "hint", "model", "provider", "cached", "error")
    return _clean({name: getattr(call, name) for name in names}) | {
        **call.usage.model_dump(),
        **_times(call, "started", "first_token", "ended"),
        "params": _json(call.params),
        "tools": _json(call.tools),
        "prompt": [_message(one) for one in call.prompt],
        "replies": [
            {
                "message": _message(one.message),
                "finish_reason": _text(one.finish_reason),
                "partial": one.partial,
            }
            for one in call.replies
        ],
    }


def _tool_run(run: ToolRun) -> dict[str, Any]:
    names = ("id", "name", "path", "call", "tool_call_id", "error")
    return _clean({name: getattr(run, name) for name in names}) | {
        **_times(run, "started", "ended"),
        "arguments": _json(run.arguments),
        "output": _json(run.output),
    }


def _message(message: Message) -> dict[str, Any]:
    """Content that is blocks, and tool calls, as JSON text."""
    return {
        key: _text(value) if value is None or isinstance(value, str) else _json(value) for key, value in message.items()
    }


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _text(value) if isinstance(value, str) else [_text(one) for one in value] if key == "tags" else value
        for key, value in values.items()
    }


def _text(text: str | None) -> str | None:
    """Without lone surrogates, which no UTF-8 holds: they are spelt out."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _json(value: Any) -> str:
    return json.dumps(value, default=str)


def _times(record: Any, *names: str) -> dict[str, int | None]:
    """Microseconds since the epoch; what is no time becomes null."""
    found: dict[str, int | None] = {}
    for name in names:
        seconds = getattr(record, name)
        found[name] = round(seconds * 1e6) if seconds is not None and abs(seconds) < 9e12 else None
    return found
