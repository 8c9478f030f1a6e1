"""What a trace is listed and selected by, in any store: plain columns beside its body."""

from __future__ import annotations

from math import isnan
from typing import Any

from langdistill.records import Feedback, Trace, digest
from langdistill.stores.protocol import BAD, Row, Where

LONGEST = 500
"""Characters of an error in a list; the whole is in the body."""
LARGEST = 2**63 - 1
"""Integer of a column."""
LISTED = ("id", "name", "strategy", "thread", "user_id", "started", "ended", "calls", "input_tokens", "output_tokens",
          "outcome", "error")  # fmt: skip
"""Columns of a row, in the order of `row_of`."""


def storable(text: str) -> str:
    """The text without what no database holds: NUL characters and lone surrogates are spelt out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _time(seconds: float | None) -> float | None:
    """NaN sorts nowhere."""
    return None if seconds is None or isnan(seconds) else seconds


def columns_of(trace: Trace) -> dict[str, Any]:
    """Column to value."""
    return {
        "id": storable(trace.id),
        "name": storable(trace.name),
        "strategy": _storable(trace.strategy),
        "problem": storable(trace.problem),
        "thread": _storable(trace.thread),
        "user_id": _storable(trace.user),
        "started": _time(trace.started) or 0.0,
        "ended": _time(trace.ended) or 0.0,
        "calls": len(trace.calls),
        "input_tokens": min(sum(call.usage.input_tokens for call in trace.calls), LARGEST),
        "output_tokens": min(trace.output_tokens, LARGEST),
        "outcome": trace.outcome,
        "error": _storable(trace.error and trace.error[:LONGEST]),
        "expires": _time(trace.expires),
    }


def row_of(listed: tuple[Any, ...], scores: list[float]) -> Row:
    """The row of these columns (`LISTED`)."""
    trace_id, name, strategy, thread, user, started, ended, calls, read, written, outcome, error = listed
    seconds = max(0.0, ended - started)
    return Row(trace_id, name, strategy, thread, user, started, seconds, calls, read, written, outcome, error, scores)


def matching(where: Where, now: float) -> tuple[str, list[Any]]:
    """The SQL condition of these traces, and its values."""
    asked = {
        "name = ?": where.graph,
        "strategy = ?": where.strategy,
        "problem = ?": where.problem,
        "thread = ?": where.thread,
        "user_id = ?": where.user,
        "started >= ?": where.since,
        "started < ?": where.before,
        "(expires IS NULL OR expires >= ?)": None if where.expired else now,
    }
    limits = {condition: value for condition, value in asked.items() if value is not None}
    values = [storable(value) if isinstance(value, str) else value for value in limits.values()]
    return " AND ".join(limits) or "true", values


def feedback_id(trace_id: str, said: bytes) -> str:
    """The same for the same feedback on the same trace, so that none is kept twice."""
    return digest(trace_id, said)


def is_bad(feedback: Feedback) -> bool:
    """Whether it makes a trace stay."""
    return feedback.score is not None and feedback.score < BAD


def later(expires: float | None, untils: list[float | None]) -> float | None:
    """When a trace is forgotten whose bad feedback wants it to stay until then; `None` for never."""
    if expires is None or None in untils:
        return None
    return max([expires, *(until for until in untils if until is not None)])
