"""Traces in one SQLite file, the default store."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from langdistill.errors import StoreBusy, StoreError
from langdistill.stores.migrations.sqlite import STEPS
from langdistill.stores.tables import Doing, SQLStore, Statements

APPLICATION = 0x4C644953
"""Tells a trace store from any other SQLite file."""
SCHEMA = len(STEPS)
PATIENCE = 30
"""Seconds to wait for a lock."""
RESTORE = "Restore the file from a copy, or give another path."
ADVICE = {
    sqlite3.SQLITE_FULL: "Free some space on its disk, or give a path on another one.",
    sqlite3.SQLITE_READONLY: "Make the file and its folder writable, or give the path of a copy that is.",
    sqlite3.SQLITE_CANTOPEN: "Give a path whose folder is there and may be written.",
    sqlite3.SQLITE_IOERR: "See whether its disk is full, gone or failing.",
}
"""What to do, by SQLite's primary error code."""


class SQLiteStore(SQLStore):
    """One file in WAL mode; several threads and processes may share it."""

    problem_index = " INDEXED BY trace_problem"

    def __init__(self, path: str | Path, *, must_exist: bool = False, patience: float = PATIENCE) -> None:
        """Open the file, or make it; a file of an older schema is brought to this one.

        Args:
            path: of the file.
            must_exist: never make it.
            patience: seconds to wait while others hold its lock.

        Raises:
            StoreError: it is missing (with `must_exist`), no trace store, of a newer schema, or cannot be opened.
            StoreBusy: others held its lock for longer than `patience`.
        """
        self.path = Path(path)
        self._patience = patience
        if must_exist and not (self.path.is_file() and self.path.stat().st_size):
            raise StoreError(
                f"There is no trace store at {str(path)!r}. Record one first: TraceRecorder({str(path)!r})."
            )
        self._lock = RLock()
        with self._told("opened"):
            self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=patience)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    @property
    def target(self) -> Path:
        """The path."""
        return self.path

    @property
    def place(self) -> str:
        """The path, quoted."""
        return repr(str(self.path))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _prepare(self) -> None:
        if self._schema() != SCHEMA:
            self._migrate()
        self._write_ahead()
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA secure_delete=ON")  # what was removed leaves no trace in free pages

    def _schema(self) -> int:
        """The schema of the file; 0 for a new one."""
        # Tables first: they come with both marks in one transaction, which another process may be at right now.
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application, schema = (
            self._db.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("application_id", "user_version")
        )
        if not tables:
            return 0
        if application != APPLICATION:
            raise StoreError(
                f"{self.place} is an SQLite file, but no trace store (application {application:#x}). "
                "Give the path of a trace store, or of a new file."
            )
        if schema > SCHEMA:
            raise StoreError(
                f"{self.place} is a trace store of schema {schema}, and this release knows up to {SCHEMA}. Update langdistill."
            )
        return schema

    def _migrate(self) -> None:
        self._write_ahead()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for step in STEPS[self._schema() :]:
                step(self._db)
            self._db.execute(f"PRAGMA application_id={APPLICATION}")
            self._db.execute(f"PRAGMA user_version={SCHEMA}")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _write_ahead(self) -> None:
        """WAL mode; SQLite does not wait by itself for another process that is switching it on."""
        until = time.monotonic() + self._patience
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    @contextmanager
    def _transaction(self, doing: Doing) -> Generator[Statements]:
        with self._lock, self._told(doing):
            self._db.execute("BEGIN IMMEDIATE" if doing == "written" else "BEGIN")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise

    def _erase(self) -> None:
        """Write the file anew and empty its log: pages that were split once hold copies of old rows."""
        with self._lock, self._told("written"):
            self._db.execute("VACUUM")
            busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreBusy(
                f"The traces were removed from {self.place}, but a reader keeps their text in its log (-wal). "
                "Close what reads it, and remove them again."
            )

    @contextmanager
    def _told(self, doing: Doing) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _is_busy(error):
                raise StoreBusy(
                    f"The trace store {self.place} was locked by others for {self._patience:g} seconds and could not be {doing}. "
                    "Try again, or end the process that holds it."
                ) from error
            advice = ADVICE.get(_code(error), RESTORE)
            raise StoreError(f"The trace store {self.place} cannot be {doing}: {error}. {advice}") from error


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code; -1 where Python raised it by itself."""
    return getattr(error, "sqlite_errorcode", -1) & 0xFF


def _is_busy(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
