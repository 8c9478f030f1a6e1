"""Traces in the tables of an SQL database: all that SQLite and PostgreSQL have in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from langdistill.errors import StoreError
from langdistill.records import Feedback, Trace
from langdistill.stores.body import decode, encode, from_json, to_json
from langdistill.stores.columns import (
    LISTED,
    columns_of,
    feedback_id,
    is_bad,
    later,
    matching,
    row_of,
    storable,
)
from langdistill.stores.protocol import BAD, EVERYTHING, Derived, Row, Where

PAGE = 200
"""Rows read at a time."""
Doing = Literal["opened", "read", "written"]

COLUMNS = ("id", "name", "strategy", "problem", "thread", "user_id", "started", "ended", "calls", "input_tokens",
           "output_tokens", "outcome", "error", "expires", "body")  # fmt: skip
ADD = (
    f"INSERT INTO trace ({', '.join(COLUMNS)}) VALUES (?{', ?' * (len(COLUMNS) - 1)}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in COLUMNS[1:])
)
ADD_FEEDBACK = (
    "INSERT INTO feedback (id, trace_id, score, until, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)


class Found(Protocol):
    """The rows of a statement."""

    def fetchall(self) -> list[tuple[Any, ...]]: ...  # noqa: D102


class Statements(Protocol):
    """Runs statements with ? for values, inside of one transaction."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Found: ...  # noqa: D102

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> Any: ...  # noqa: D102


class SQLStore(ABC):
    """A `Store` in three tables (`migrations/`); a subclass says how a transaction is made."""

    @abstractmethod
    def _transaction(self, doing: Doing) -> AbstractContextManager[Statements]:
        """One thread at a time; rolled back after an error, which becomes a `StoreError`."""

    @abstractmethod
    def _erase(self) -> None:
        """Let nothing of what was removed stay in the files."""

    problem_order = "problem"
    """The column as SQL that sorts by code point."""
    problem_index = ""
    """SQL that makes a page of problems come from the index of their order: sorted anew for each page, reading all would be
    quadratic."""

    @property
    @abstractmethod
    def target(self) -> str | Path:
        """What opens the same store again: a path, or an address with its password."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Path or address, as errors tell it."""

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep the traces, all or none of them; see `Store.add`."""
        rows: list[dict[str, Any]] = [columns_of(trace) | {"body": encode(trace)} for trace in traces]
        said = [
            _feedback_row(storable(trace.id), feedback, 0.0) for trace in traces for feedback in trace.feedback
        ]  # what came with a trace does not change when it is forgotten
        with self._transaction("written") as run:
            for row in rows:
                if row["expires"] is not None:
                    row["expires"] = later(row["expires"], self._untils(run, row["id"]))
            run.executemany(ADD, [[row[column] for column in COLUMNS] for row in rows])
            if said:
                run.executemany(ADD_FEEDBACK, said)

    def traces(self, where: Where = EVERYTHING, *, newest: int | None = None) -> Iterator[Trace]:
        """The traces, a page at a time; see `Store.traces`.

        Raises:
            StoreError: the store is damaged, or holds a trace that cannot be read.
        """
        for page in self._pages("id, expires, body", where, newest):
            feedback = self._feedback([row[0] for row in page])
            for trace_id, expires, body in page:
                yield self._trace(trace_id, expires, body, feedback.get(trace_id, []))

    def by_problem(
        self, where: Where = EVERYTHING, *, first: str | None = None, beyond: str | None = None
    ) -> Iterator[Trace]:
        """The traces in the order of their problems, a page at a time; see `Store.by_problem`."""
        condition, values = self._of_problems(where, first, beyond)
        last: list[Any] | None = None
        while True:
            further = f" AND ({self.problem_order}, seq) > (?, ?)" if last else ""
            with self._transaction("read") as run:
                page = run.execute(
                    f"SELECT problem, seq, id, expires, body FROM trace{self.problem_index} WHERE {condition}{further} "
                    f"ORDER BY {self.problem_order}, seq LIMIT {PAGE}",
                    [*values, *(last or [])],
                ).fetchall()
            feedback = self._feedback([row[2] for row in page])
            for _, _, trace_id, expires, body in page:
                yield self._trace(trace_id, expires, body, feedback.get(trace_id, []))
            if len(page) < PAGE:
                return
            last = list(page[-1][:2])

    def problems(self, where: Where = EVERYTHING, *, every: int = 1) -> Iterator[str]:
        """The ids of the problems, or each `every`-th; see `Store.problems`."""
        condition, values = self._of_problems(where, None, None)
        last: str | None = None
        while True:
            further = f" AND {self.problem_order} > ?" if last is not None else ""
            skip = every - 1 if last is not None else 0
            with self._transaction("read") as run:
                found = run.execute(
                    f"SELECT DISTINCT {self.problem_order} AS found FROM trace{self.problem_index} "
                    f"WHERE {condition}{further} ORDER BY found LIMIT 1 OFFSET {skip}",
                    [*values, *([] if last is None else [last])],
                ).fetchall()
            if not found:
                return
            last = found[0][0]
            yield found[0][0]

    def _of_problems(self, where: Where, first: str | None, beyond: str | None) -> tuple[str, list[Any]]:
        condition, values = matching(where, time.time())
        for limit, value in ((">=", first), ("<", beyond)):
            if value is not None:
                condition += f" AND {self.problem_order} {limit} ?"
                values.append(storable(value))
        return condition, values

    def rows(self, where: Where = EVERYTHING, *, newest: int | None = None) -> Iterator[Row]:
        """The traces in one line each; see `Store.rows`."""
        for page in self._pages(", ".join(LISTED), where, newest):
            feedback = self._feedback([row[0] for row in page])
            for row in page:
                yield row_of(row, [one.score for one in feedback.get(row[0], []) if one.score is not None])

    def trace(self, trace_id: str) -> Trace | None:
        """The trace of that id, `None` where there is none."""
        with self._transaction("read") as run:
            found = run.execute(
                "SELECT id, expires, body FROM trace WHERE id = ? AND (expires IS NULL OR expires >= ?)",
                [storable(trace_id), time.time()],
            ).fetchall()
        if not found:
            return None
        [(known, expires, body)] = found
        return self._trace(known, expires, body, self._feedback([known]).get(known, []))

    def add_feedback(self, trace_id: str, feedback: Feedback, *, until: float | None = None) -> None:
        """Add what a user said of a trace, which may not be there yet; see `Store.add_feedback`."""
        row = _feedback_row(storable(trace_id), feedback, until)
        with self._transaction("written") as run:
            run.executemany(ADD_FEEDBACK, [row])
            found = run.execute("SELECT expires FROM trace WHERE id = ?", [storable(trace_id)]).fetchall()
            if is_bad(feedback) and found:
                expires = later(found[0][0], [until])
                run.execute("UPDATE trace SET expires = ? WHERE id = ?", [expires, storable(trace_id)])

    def remove(self, ids: Iterable[str]) -> int:
        """Remove these traces and what was said of them, for good; see `Store.remove`."""
        known = [storable(one) for one in ids]
        count = 0
        with self._transaction("written") as run:
            for start in range(0, len(known), PAGE):
                count += self._delete(run, known[start : start + PAGE])
        self._erase()
        return count

    def expire(self, now: float) -> int:
        """Remove the traces whose time is over, and what was said of them."""
        with self._transaction("written") as run:
            found = [row[0] for row in run.execute("SELECT id FROM trace WHERE expires < ?", [now]).fetchall()]
            return sum(self._delete(run, found[start : start + PAGE]) for start in range(0, len(found), PAGE))

    def names(self) -> dict[str, int]:
        """Graph name to the number of its traces."""
        condition, values = matching(EVERYTHING, time.time())
        with self._transaction("read") as run:
            found = run.execute(f"SELECT name, count(*) FROM trace WHERE {condition} GROUP BY name", values).fetchall()
        return dict(sorted(cast("list[tuple[str, int]]", found)))

    def add_derived(self, dataset: Derived) -> None:
        """Note a data set that was made of these traces; see `Store.add_derived`."""
        with self._transaction("written") as run:
            run.execute(
                "INSERT INTO derived (path, hash, body) VALUES (?, ?, ?) ON CONFLICT (path, hash) DO UPDATE "
                "SET body = excluded.body",
                [storable(dataset.path), dataset.hash, to_json(dataset.rows)],
            )

    def derived(self) -> list[Derived]:
        """The data sets that were made of these traces."""
        with self._transaction("read") as run:
            found = run.execute("SELECT path, hash, body FROM derived ORDER BY path, hash").fetchall()
        return [Derived(path, hashed, from_json(body)) for path, hashed, body in found]

    def _pages(self, columns: str, where: Where, newest: int | None) -> Iterator[list[tuple[Any, ...]]]:
        condition, values = matching(where, time.time())
        beyond, order = (">", "ASC") if newest is None else ("<", "DESC")
        last, left = (-1, None) if newest is None else (2**62, newest)
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            with self._transaction("read") as run:
                page = run.execute(
                    f"SELECT seq, {columns} FROM trace WHERE {condition} AND seq {beyond} ? ORDER BY seq {order} LIMIT {size}",
                    [*values, last],
                ).fetchall()
            if page:
                yield [row[1:] for row in page]
            if len(page) < size:
                return
            last, left = page[-1][0], left and left - size

    def _feedback(self, ids: Sequence[str]) -> dict[str, list[Feedback]]:
        found: dict[str, list[Feedback]] = {}
        with self._transaction("read") as run:
            rows = run.execute(
                f"SELECT trace_id, body FROM feedback WHERE trace_id IN ({_marks(ids)}) ORDER BY seq", list(ids)
            ).fetchall()
        for trace_id, body in rows:
            found.setdefault(trace_id, []).append(Feedback.model_validate(from_json(body)))
        return found

    def _trace(self, trace_id: str, expires: float | None, body: bytes, feedback: list[Feedback]) -> Trace:
        try:
            return decode(body).model_copy(update={"expires": expires, "feedback": feedback})
        except StoreError as error:
            raise StoreError(f"Trace {trace_id!r} in {self.place} cannot be read. {error}") from error

    @staticmethod
    def _untils(run: Statements, trace_id: str) -> list[float | None]:
        found = run.execute("SELECT until FROM feedback WHERE trace_id = ? AND score < ?", [trace_id, BAD]).fetchall()
        return [until for (until,) in found]

    @staticmethod
    def _delete(run: Statements, ids: Sequence[str]) -> int:
        there = len(run.execute(f"SELECT id FROM trace WHERE id IN ({_marks(ids)})", ids).fetchall())
        run.execute(f"DELETE FROM feedback WHERE trace_id IN ({_marks(ids)})", ids)
        run.execute(f"DELETE FROM trace WHERE id IN ({_marks(ids)})", ids)
        return there


def _marks(ids: Sequence[str]) -> str:
    return ", ".join("?" * len(ids))


def _feedback_row(trace_id: str, feedback: Feedback, until: float | None) -> list[Any]:
    said = to_json(feedback.model_dump(exclude_defaults=True))
    return [feedback_id(trace_id, said), trace_id, feedback.score, until, said]
