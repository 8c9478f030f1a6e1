"""How a store is opened: a path is an SQLite file, an address a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

from langdistill.stores.protocol import Store
from langdistill.stores.sqlite import SQLiteStore

ADDRESSES = ("postgresql://", "postgres://")


def open_store(target: str | Path | Store, *, must_exist: bool = False) -> Store:
    """The store itself, the SQLite file at a path, or the tables in a PostgreSQL database.

    Args:
        target: a store, the path of a file, or "postgresql://user@host/database".
        must_exist: never make the file or the tables.

    Raises:
        StoreError: it is missing, no trace store, or cannot be opened.
        StoreBusy: it is locked, or the server does not answer.
        MissingExtra: psycopg is not installed.
    """
    if isinstance(target, str) and target.startswith(ADDRESSES):
        from langdistill.stores.postgres import PostgresStore

        return PostgresStore(target, must_exist=must_exist)
    return SQLiteStore(target, must_exist=must_exist) if isinstance(target, (str, Path)) else target
