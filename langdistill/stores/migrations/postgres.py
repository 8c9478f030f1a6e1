"""The schemas of a PostgreSQL store. Texts that it cannot hold (NUL, lone surrogates) are in the bodies alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langdistill.stores.body import decode
from langdistill.stores.columns import columns_of


def schema_1(db: Any) -> None:
    """Traces, feedback, and the data sets that were made here."""
    db.execute(
        "CREATE TABLE trace (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
        "name TEXT NOT NULL, strategy TEXT, problem TEXT NOT NULL, thread TEXT, user_id TEXT, "
        "started DOUBLE PRECISION NOT NULL, ended DOUBLE PRECISION NOT NULL, calls INTEGER NOT NULL, "
        "input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, outcome TEXT NOT NULL, error TEXT, "
        "expires DOUBLE PRECISION, body BYTEA NOT NULL)"
    )
    db.execute(
        "CREATE TABLE feedback (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
        "trace_id TEXT NOT NULL, score DOUBLE PRECISION, until DOUBLE PRECISION, body BYTEA NOT NULL)"
    )
    db.execute("CREATE TABLE derived (path TEXT, hash TEXT, body BYTEA NOT NULL, PRIMARY KEY (path, hash))")
    # compressed already; a second compression would cost time and save nothing
    db.execute("ALTER TABLE trace ALTER COLUMN body SET STORAGE EXTERNAL")
    for column in ("name", "problem", "thread", "user_id", "started"):
        db.execute(
            f"CREATE INDEX trace_{column} ON trace USING {'btree' if column == 'started' else 'hash'} ({column})"
        )
    db.execute("CREATE INDEX trace_expires ON trace (expires) WHERE expires IS NOT NULL")
    db.execute("CREATE INDEX feedback_trace ON feedback USING hash (trace_id)")


def schema_2(db: Any) -> None:
    """A run that names no problem goes by its question; problems are read in the order of their ids."""
    for (seq,) in db.execute("SELECT seq FROM trace WHERE problem = id").fetchall():
        [body] = db.execute("SELECT body FROM trace WHERE seq = %s", [seq]).fetchone()
        db.execute("UPDATE trace SET problem = %s WHERE seq = %s", [columns_of(decode(body))["problem"], seq])
    db.execute('CREATE INDEX trace_by_problem ON trace (problem COLLATE "C", seq)')


STEPS: tuple[Callable[[Any], None], ...] = (schema_1, schema_2)
