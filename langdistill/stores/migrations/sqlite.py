"""The schemas of an SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from langdistill.stores.body import decode, encode, to_json
from langdistill.stores.columns import columns_of, feedback_id


def schema_1(db: sqlite3.Connection) -> None:
    """One JSON document per trace."""
    db.execute(
        "CREATE TABLE trace (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, strategy TEXT, "
        "problem TEXT NOT NULL, body TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX trace_name ON trace (name)")
    db.execute("CREATE INDEX trace_problem ON trace (problem)")


def schema_2(db: sqlite3.Connection) -> None:
    """Compressed bodies, columns to list and select by, feedback in a table of its own, and the data sets made here."""
    db.execute("ALTER TABLE trace RENAME TO trace_1")
    db.execute(
        "CREATE TABLE trace (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, strategy TEXT, "
        "problem TEXT NOT NULL, thread TEXT, user_id TEXT, started REAL NOT NULL, ended REAL NOT NULL, "
        "calls INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, outcome TEXT NOT NULL, "
        "error TEXT, expires REAL, body BLOB NOT NULL)"
    )
    db.execute(
        "CREATE TABLE feedback (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, trace_id TEXT NOT NULL, score REAL, "
        "until REAL, body BLOB NOT NULL)"
    )
    db.execute("CREATE TABLE derived (path TEXT, hash TEXT, body BLOB NOT NULL, PRIMARY KEY (path, hash))")
    for seq, body in db.execute("SELECT seq, body FROM trace_1 ORDER BY seq"):
        _rewritten(db, seq, body)
    db.execute("DROP TABLE trace_1")
    for column in ("name", "problem", "thread", "user_id", "started"):
        db.execute(f"CREATE INDEX trace_{column} ON trace ({column})")
    db.execute("CREATE INDEX trace_expires ON trace (expires) WHERE expires IS NOT NULL")
    db.execute("CREATE INDEX feedback_trace ON feedback (trace_id)")


def _rewritten(db: sqlite3.Connection, seq: int, body: str) -> None:
    trace = decode(body.encode())
    columns = columns_of(trace)
    names = ("id", "name", "strategy", "problem", "thread", "user_id", "started", "ended", "calls", "input_tokens",
             "output_tokens", "outcome", "error", "expires")  # fmt: skip
    db.execute(
        f"INSERT INTO trace (seq, body, {', '.join(names)}) VALUES (?, ?{', ?' * len(names)})",
        [seq, encode(trace), *(columns[name] for name in names)],
    )
    for feedback in trace.feedback:
        said = to_json(feedback.model_dump(exclude_defaults=True))
        db.execute(
            "INSERT INTO feedback (id, trace_id, score, until, body) VALUES (?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
            [feedback_id(columns["id"], said), columns["id"], feedback.score, said],
        )


def schema_3(db: sqlite3.Connection) -> None:
    """A run that names no problem goes by its question."""
    for (seq,) in db.execute("SELECT seq FROM trace WHERE problem = id").fetchall():
        [body] = db.execute("SELECT body FROM trace WHERE seq = ?", [seq]).fetchone()
        db.execute("UPDATE trace SET problem = ? WHERE seq = ?", [columns_of(decode(body))["problem"], seq])


STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (schema_1, schema_2, schema_3)
