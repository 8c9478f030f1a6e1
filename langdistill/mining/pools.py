"""Where a mining run keeps what it knows: instructions, answers, judgements and tries, in one folder.

`pools.db` has what was found, `replies.db` every reply as it came (`langdistill.replies`). A graph's state holds ids alone. What a
stage has finished is noted here with what it was made from, so that a run begun again passes over it; what it had not finished
it does again, and the replies that had come are answered from the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

import orjson

from langdistill.errors import MiningError
from langdistill.mining.instructions import LONGEST, Instruction, Seed, seeds_of
from langdistill.replies import ReplyCache, caching

POOLS, REPLIES = "pools.db", "replies.db"
VERSION = 1
_TABLES = """
CREATE TABLE instruction (id TEXT PRIMARY KEY, line BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE answer (
    instruction TEXT, model TEXT, role TEXT NOT NULL, text TEXT NOT NULL, input_tokens INT, output_tokens INT,
    PRIMARY KEY (instruction, model)) WITHOUT ROWID;
CREATE TABLE judgement (
    instruction TEXT, pair TEXT, swapped INT, attempt INT, teacher REAL, student REAL, input_tokens INT, output_tokens INT,
    PRIMARY KEY (instruction, pair, swapped, attempt)) WITHOUT ROWID;
CREATE TABLE try (
    round INT, half TEXT, number INT, parent TEXT NOT NULL, text TEXT, reason TEXT, replies INT NOT NULL, input_tokens INT, output_tokens INT,
    PRIMARY KEY (round, half, number)) WITHOUT ROWID;
CREATE TABLE finished (stage TEXT PRIMARY KEY, outcome BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE refused (reason TEXT PRIMARY KEY, count INT NOT NULL) WITHOUT ROWID;
"""


class Answer(NamedTuple):
    """What a model said to an instruction."""

    instruction: str
    model: str
    role: str
    """"teacher" or "student"."""
    text: str
    input_tokens: int | None
    output_tokens: int | None


class Judgement(NamedTuple):
    """One reply of the referee."""

    instruction: str
    pair: str
    """Whose answers were compared."""
    swapped: bool
    """Whether the student's was shown first."""
    attempt: int
    teacher: float | None
    """Its grade; `None` where the reply cannot be read, and then of the student, too."""
    student: float | None
    input_tokens: int | None
    output_tokens: int | None

    @property
    def difference(self) -> float:
        """By how much the teacher is better, of a reply that was read."""
        assert self.teacher is not None
        assert self.student is not None
        return self.teacher - self.student


class Try(NamedTuple):
    """One reply of the generator, or one of the instructions that it holds."""

    round: int
    half: str
    """"hard" or "easy"."""
    number: int
    """Of the round's half, from 0."""
    parent: str
    text: str | None
    reason: str | None
    """Why it was not taken; `None` where it was."""
    replies: int
    """1; 0 for the second and further instructions of one reply."""
    input_tokens: int | None
    output_tokens: int | None


class InstructionPools:
    """The folder of a mining run. Thread-safe; one process at a time."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder, or make it.

        Raises:
            MiningError: it cannot be made, or `pools.db` in it is something else.
        """
        self.folder = Path(folder)
        self._lock = RLock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.folder / POOLS, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")  # as the replies, that all of it can be made from again
            self._prepare()
            self._replies = ReplyCache(self.folder / REPLIES)
        except (OSError, sqlite3.Error) as error:
            raise MiningError(f"No mining run can be kept in {str(folder)!r}: {error}. Give another folder.") from error

    def add(self, seeds: Iterable[Seed], *, longest: int = LONGEST) -> list[str]:
        """Take in seeds; the ids of the different ones, in the order given. What was refused is told by `refused`.

        Args:
            seeds: texts, or mappings with `instruction` and perhaps `input`.
            longest: most characters of one.

        Raises:
            MiningError: one is neither, or none is left.
        """
        found = seeds_of(seeds, longest=longest)
        self.put(found.instructions)
        with self._lock, self._transaction():
            self._db.execute("DELETE FROM refused")
            self._db.executemany("INSERT INTO refused VALUES (?, ?)", found.refused.items())
        return [one.id for one in found.instructions]

    @property
    def refused(self) -> dict[str, int]:
        """Reason to how many seeds were refused when they were last added."""
        return dict(self._rows("SELECT reason, count FROM refused ORDER BY reason"))

    def put(self, instructions: Iterable[Instruction]) -> None:
        """Keep instructions; one that is known stays as it is."""
        rows = [(one.id, one.model_dump_json()) for one in instructions]
        with self._lock, self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO instruction VALUES (?, ?)", rows)

    def instructions(self, ids: Sequence[str]) -> list[Instruction]:
        """The instructions with these ids, in their order.

        Raises:
            MiningError: there is none with one of the ids.
        """
        known = {
            id: line
            for some in _pieces(ids)
            for id, line in self._of("SELECT id, line FROM instruction WHERE id", some)
        }
        if missing := [id for id in ids if id not in known]:
            raise MiningError(
                f"{str(self.folder)!r} has no instruction {missing[0]!r}. Give ids that its `add` gave, or the folder that they are from."
            )
        return [Instruction(**orjson.loads(known[id])) for id in ids]

    def answers(self, ids: Sequence[str], model: str) -> dict[str, str]:
        """Id to what a model said, where it has answered."""
        query = "SELECT instruction, text FROM answer WHERE model = ? AND instruction"
        return {id: text for some in _pieces(ids) for id, text in self._of(query, some, model)}

    def put_answers(self, answers: Iterable[Answer]) -> None:
        """Keep answers."""
        self._insert("answer", answers)

    def judgements(self, ids: Sequence[str], pair: str) -> list[Judgement]:
        """All that was said of these answers, in the order of instruction, order of the answers, and attempt."""
        query = "SELECT * FROM judgement WHERE pair = ? AND instruction"
        rows = (row for some in _pieces(ids) for row in self._of(query, some, pair))
        return [Judgement(id, pair, bool(swapped), *told) for id, pair, swapped, *told in rows]

    def put_judgements(self, judgements: Iterable[Judgement]) -> None:
        """Keep judgements."""
        self._insert("judgement", judgements)

    def forget_tries(self, round: int) -> None:
        """Forget the tries of a round that is to be done again."""
        with self._lock:
            self._db.execute("DELETE FROM try WHERE round = ?", [round])

    def put_tries(self, tries: Iterable[Try]) -> None:
        """Keep tries."""
        self._insert("try", tries)

    def tries(self, round: int) -> list[Try]:
        """Of a round, in their order."""
        return [Try(*row) for row in self._rows("SELECT * FROM try WHERE round = ? ORDER BY half, number", round)]

    def finished(self, stage: str) -> dict[str, Any] | None:
        """What a stage came to, where it is finished."""
        rows = self._rows("SELECT outcome FROM finished WHERE stage = ?", stage)
        return orjson.loads(rows[0][0]) if rows else None

    def finish(self, stage: str, outcome: Mapping[str, Any]) -> None:
        """Note what a stage came to, and that it need not be done again."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO finished VALUES (?, ?)", [stage, orjson.dumps(outcome)])

    def count(self, query: str, *values: Any) -> tuple[int, int, int]:
        """Calls and tokens read and written, by a query that counts them."""
        [(calls, read, written)] = self._rows(query, *values)
        return calls, read or 0, written or 0

    def remembering(self) -> AbstractContextManager[ReplyCache]:
        """Answer from the folder what was asked before, and keep what is asked inside the block."""
        return caching(self._replies)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._db.close()
        self._replies.close()

    def __enter__(self) -> InstructionPools:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _prepare(self) -> None:
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        [tables] = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not version and not tables:
            self._db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise MiningError(
                f"{str(self.folder / POOLS)!r} is of another kind or version ({version}, expected {VERSION}). Give another folder."
            )

    def _insert(self, table: str, rows: Iterable[NamedTuple]) -> None:
        given = list(rows)
        if not given:
            return
        marks = ",".join("?" * len(given[0]))
        with self._lock, self._transaction():
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", given)

    def _of(self, query: str, ids: Sequence[str], *before: Any) -> list[Any]:
        """The rows of a query that ends in a column, for the ids that may stand in it."""
        return self._rows(f"{query} IN ({','.join('?' * len(ids))})", *before, *ids)

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _transaction(self) -> AbstractContextManager[Any]:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db


def _pieces(ids: Sequence[str], most: int = 500) -> Iterable[Sequence[str]]:
    """SQLite takes so many values in one statement."""
    return (ids[start : start + most] for start in range(0, len(ids), most))
