"""Tables that grow with a corpus while memory does not: SQLite's own temporary database, which goes to disk past its cache."""

from __future__ import annotations

import sqlite3

CACHE_MIB = 64


def spilling(*tables: str) -> sqlite3.Connection:
    """An empty database of this process's own, gone once it is closed.

    Args:
        *tables: the statements that create its tables.
    """
    db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA journal_mode = OFF", f"PRAGMA cache_size = -{CACHE_MIB * 1024}", *tables, "BEGIN"):
        db.execute(statement)
    return db
