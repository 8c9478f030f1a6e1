"""Traces in one SQLite file, the default store."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from pydantic import ValidationError

from langdistill.errors import StoreError
from langdistill.records import Feedback, Trace

APPLICATION = 0x4C644953
"""Tells a trace store from any other SQLite file."""
SCHEMA = 1
PATIENCE = 30
"""Seconds to wait for a lock."""
PAGE = 200
"""Rows read at a time."""

CREATE = """
CREATE TABLE IF NOT EXISTS trace (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    strategy TEXT,
    problem TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trace_name ON trace (name);
CREATE INDEX IF NOT EXISTS trace_problem ON trace (problem);
"""


class SQLiteStore:
    """One file in WAL mode; several threads and processes may share it."""

    def __init__(self, path: str | Path, *, must_exist: bool = False) -> None:
        """Open the file, or make it.

        Raises:
            StoreError: it is missing (with `must_exist`), no trace store, of another schema, or cannot be opened.
        """
        self.path = Path(path)
        if must_exist and not (self.path.is_file() and self.path.stat().st_size):
            raise StoreError(
                f"There is no trace store at {str(path)!r}. Record one first: TraceRecorder({str(path)!r})."
            )
        self._lock = Lock()
        with self._told("opened"):
            self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=PATIENCE)
            self._prepare()

    def _prepare(self) -> None:
        # Tables first: they come with both marks in one transaction, which another process may be at right now.
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application, schema = (
            self._db.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("application_id", "user_version")
        )
        if tables and (application != APPLICATION or schema != SCHEMA):
            self._db.close()
            raise StoreError(
                f"{str(self.path)!r} is an SQLite file, but no trace store of schema {SCHEMA} "
                f"(application {application:#x}, schema {schema}). Give the path of a trace store, or of a new file."
            )
        self._write_ahead()
        self._db.execute("PRAGMA synchronous=NORMAL")
        if not tables:
            self._db.executescript(
                f"BEGIN IMMEDIATE; {CREATE} PRAGMA application_id={APPLICATION}; PRAGMA user_version={SCHEMA}; COMMIT;"
            )

    def _write_ahead(self) -> None:
        """WAL mode; SQLite does not wait by itself for another process that is switching it on."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    @contextmanager
    def _told(self, doing: str) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"The trace store {str(self.path)!r} cannot be {doing}: {error}. Restore it from a copy, or give another path."
            ) from error

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep the traces, all or none of them; one with a known id replaces it."""
        rows = [(t.id, t.name, t.strategy, t.problem, t.model_dump_json(exclude_defaults=True)) for t in traces]
        with self._lock, self._told("written"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    "INSERT INTO trace (id, name, strategy, problem, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
                    "SET name=excluded.name, strategy=excluded.strategy, problem=excluded.problem, body=excluded.body",
                    rows,
                )
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def traces(
        self, *, graph: str | None = None, strategy: str | None = None, problem: str | None = None
    ) -> Iterator[Trace]:
        """The traces of a graph, a strategy or a problem, a page at a time, in the order they were kept.

        Raises:
            StoreError: the file is damaged, or holds a trace that cannot be read.
        """
        wanted = {"name": graph, "strategy": strategy, "problem": problem}
        limits = {column: value for column, value in wanted.items() if value is not None}
        where = "".join(f" AND {column} = ?" for column in limits)
        last = -1
        while True:
            with self._lock, self._told("read"):
                rows = self._db.execute(
                    f"SELECT seq, id, body FROM trace WHERE seq > ?{where} ORDER BY seq LIMIT {PAGE}",
                    [last, *limits.values()],
                ).fetchall()
            for seq, trace_id, body in rows:
                yield self._trace(trace_id, body)
                last = seq
            if len(rows) < PAGE:
                return

    def _trace(self, trace_id: str, body: str) -> Trace:
        try:
            return Trace.model_validate_json(body)
        except ValidationError as error:
            raise StoreError(
                f"Trace {trace_id!r} in {str(self.path)!r} cannot be read: {error.errors()[0]['msg']}. "
                "It was written by another version, or the file is damaged."
            ) from error

    def add_feedback(self, trace_id: str, feedback: Feedback) -> None:
        """Add what a user said of a trace.

        Raises:
            StoreError: there is no such trace.
        """
        with self._lock, self._told("read"):
            row = self._db.execute("SELECT body FROM trace WHERE id = ?", [trace_id]).fetchone()
        if row is None:
            raise StoreError(
                f"The store {str(self.path)!r} holds no trace {trace_id!r}; feedback needs the id of a root run that has ended."
            )
        trace = self._trace(trace_id, row[0])
        self.add([trace.model_copy(update={"feedback": [*trace.feedback, feedback]})])

    def names(self) -> dict[str, int]:
        """Graph name to the number of its traces."""
        with self._lock, self._told("read"):
            return dict(self._db.execute("SELECT name, count(*) FROM trace GROUP BY name ORDER BY name").fetchall())

    def close(self) -> None:
        """Close the file."""
        self._db.close()
