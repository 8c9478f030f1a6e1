"""Traces in a PostgreSQL database, for what several machines record."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from threading import RLock
from typing import Any
from urllib.parse import unquote, urlsplit

from langdistill.errors import MissingExtra, StoreBusy, StoreError
from langdistill.stores.migrations.postgres import STEPS
from langdistill.stores.tables import Doing, SQLStore, Statements

SCHEMA = len(STEPS)
WRITING = 0x4C644953
"""Key of the advisory lock that who writes holds: a later `seq` is never seen before an earlier one."""
PATIENCE = 30
"""Seconds to wait for a connection, a lock or a statement's locks."""
MARKED = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'langdistill')"
"""Not `to_regclass`: that remembers, within a transaction, that there was none before the lock was waited for."""
NO_ROOM = "53100"
"""SQLSTATE of a full disk."""
READ_ONLY = "25006"
WAITED = ("55P03", "57014", "40001", "40P01")
"""SQLSTATEs of a lock that was not to be had, and of transactions that stood in each other's way."""
RETRY = ("08", "57P", "53300", "53400")
"""How the SQLSTATEs of a server begin that is going down, coming up, or has too many connections."""

PASSING = ("starting up", "shutting down", "too many", "reserved for")
"""Why a server that is well refuses a connection for now."""


class PostgresStore(SQLStore):
    """Three tables in the first schema of the search path; several threads, processes and machines may share them."""

    problem_order = 'problem COLLATE "C"'

    def __init__(self, address: str, *, must_exist: bool = False, patience: float = PATIENCE) -> None:
        """Connect, and make the tables or bring them to this schema.

        Args:
            address: "postgresql://user:password@host:port/database".
            must_exist: never make the tables.
            patience: seconds to wait for the server, and for locks of others.

        Raises:
            StoreError: the server refuses, the tables are missing (with `must_exist`), or of a newer schema.
            StoreBusy: the server does not answer.
            MissingExtra: psycopg is not installed.
        """
        try:
            self._psycopg = import_module("psycopg")
        except ImportError as missing:
            raise MissingExtra("psycopg", "postgres") from missing
        self._address = address
        self._patience = patience
        self._lock = RLock()
        self._db: Any = None
        with self._told("opened"):
            self._connect()
            try:
                self._prepare(must_exist)
            except BaseException:
                self._db.close()
                raise

    @property
    def target(self) -> str:
        """The address, with its password."""
        return self._address

    @property
    def place(self) -> str:
        """The address without its password, quoted."""
        return repr(_without_password(self._address))

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._db.close()

    def _connect(self) -> None:
        self._db = self._psycopg.connect(
            self._address,
            connect_timeout=max(2, round(self._patience)),
            application_name="langdistill",
            autocommit=True,
        )
        self._db.execute(f"SET lock_timeout = '{self._patience:g}s'")

    def _prepare(self, must_exist: bool) -> None:
        if self._schema(must_exist) == SCHEMA:
            return
        with self._db.transaction():
            self._db.execute(f"SELECT pg_advisory_xact_lock({WRITING})")
            for step in STEPS[self._schema(must_exist) :]:
                step(self._db)
            self._db.execute("CREATE TABLE IF NOT EXISTS langdistill (version INTEGER NOT NULL)")
            self._db.execute("DELETE FROM langdistill")
            self._db.execute("INSERT INTO langdistill VALUES (%s)", [SCHEMA])

    def _schema(self, must_exist: bool) -> int:
        """The schema of the tables; 0 where there are none."""
        marked = self._db.execute(MARKED).fetchone()[0]
        version = self._db.execute("SELECT version FROM langdistill").fetchone() if marked else None
        if version is None and must_exist:
            raise StoreError(
                f"There is no trace store in {self.place}. Record one first: TraceRecorder('postgresql://...')."
            )
        if version and version[0] > SCHEMA:
            raise StoreError(
                f"{self.place} holds a trace store of schema {version[0]}, and this release knows up to {SCHEMA}. "
                "Update langdistill."
            )
        return version[0] if version else 0

    @contextmanager
    def _transaction(self, doing: Doing) -> Generator[Statements]:
        with self._lock, self._told(doing):
            self._reconnect()
            with self._db.transaction():
                if doing == "written":
                    self._db.execute(f"SELECT pg_advisory_xact_lock({WRITING})")
                yield _QuestionMarks(self._db)

    def _reconnect(self) -> None:
        """A server that was restarted has ended the connection, which is told only when it is used."""
        try:
            if not self._db.closed:
                self._db.execute("SELECT 1")
                return
        except self._psycopg.OperationalError:
            self._db.close()
        self._connect()

    def _erase(self) -> None:
        """Free the rows at once; the server's own log and copies of it are its owner's."""
        with self._lock, self._told("written"):
            for table in ("trace", "feedback"):
                self._db.execute(f"VACUUM {table}")

    @contextmanager
    def _told(self, doing: Doing) -> Generator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            state, said = error.sqlstate or "", self._said(error)
            if state in WAITED:
                raise StoreBusy(
                    f"The trace store {self.place} was locked by others and could not be {doing}: {said}. Try again."
                ) from None
            if state.startswith(RETRY) or (not state and self._is_away(error)):
                raise StoreBusy(
                    f"The trace store {self.place} cannot be {doing}: {said}. Start the server, or see whether it is reachable."
                ) from None
            raise StoreError(f"The trace store {self.place} cannot be {doing}: {said}. {_advice(state)}") from None

    def _is_away(self, error: Exception) -> bool:
        """Whether the connection failed; what a server answers to a new one (a wrong password, say) has no SQLSTATE either."""
        text = str(error)
        return isinstance(error, self._psycopg.OperationalError) and (
            "FATAL" not in text or any(passing in text for passing in PASSING)
        )

    def _said(self, error: Exception) -> str:
        """The error in one line; libpq repeats what it could not read of an address, so of such a one nothing is told."""
        if isinstance(error, self._psycopg.ProgrammingError) and not getattr(error, "sqlstate", None):
            return "the address cannot be read"
        text = " ".join(str(error).split())
        secret = _password(self._address)
        for spelt in {secret, unquote(secret)} - {""}:
            text = text.replace(spelt, "***")
        return text.rstrip(".")


class _QuestionMarks:
    """psycopg with ? for values: no statement of `tables.py` holds a question or percent mark of its own."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._db.execute(sql.replace("?", "%s"), list(values))

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._db.cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s"), rows)


def _advice(state: str) -> str:
    match state:
        case _ if state == NO_ROOM:
            return "Free some space on the server's disk."
        case _ if state == READ_ONLY:
            return "Give the address of the server that takes writes, not of a copy of it."
        case _ if state.startswith("42501"):
            return "Grant the user the right to create and to write tables in that schema."
        case _:
            return "Check the address, the user and the password: postgresql://user:password@host:port/database."


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


def _without_password(address: str) -> str:
    """Scheme, user, host and database; anything after ? may hold a password, too."""
    try:
        parts = urlsplit(address)
        user = f"{parts.username}@" if parts.username else ""
        return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return "postgresql://..."
