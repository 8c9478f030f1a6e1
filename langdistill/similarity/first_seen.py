"""Which of equal things came first, in bounded memory: 16 bytes of each and the name of the first."""

from __future__ import annotations

from hashlib import blake2b
from types import TracebackType

from langdistill.similarity.spilling import spilling


class FirstSeen:
    """Remembers what it was shown; to be closed, or used as a context."""

    def __init__(self) -> None:
        self._db = spilling("CREATE TABLE seen (key BLOB PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID")

    def shown(self, thing: bytes, name: str) -> str | None:
        """The name under which an equal thing was shown first, `None` where this is the first.

        Things are equal where 128 bits of their BLAKE2b are: among 10 million the odds of a false one are 1 in 10^24.
        """
        key = blake2b(thing, digest_size=16).digest()
        found = self._db.execute("SELECT name FROM seen WHERE key = ?", (key,)).fetchone()
        if found is None:
            self._db.execute("INSERT INTO seen VALUES (?, ?)", (key, name))
        return found and found[0]

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def __enter__(self) -> FirstSeen:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
