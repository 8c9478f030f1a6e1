"""A run in a folder: what it asks in `run.json`, and a line of `results.jsonl` per problem as it is done.

A process that is killed leaves whole lines and at most the beginning of one, which is cut off when the run goes on.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import orjson
from pydantic import ValidationError

from langdistill.errors import EvaluationError
from langdistill.folders import write_whole
from langdistill.records import Record

RUN, RESULTS, REPLIES = "run.json", "results.jsonl", "replies.db"


Done = TypeVar("Done", bound=Record)


class _Line(Record):
    """One problem that is done, and when it came."""

    id: str
    session: int
    """Which process of the run, from 0."""
    elapsed: float
    """Seconds since that process began to ask."""
    result: dict[str, Any]


class Kept(Generic[Done]):
    """The problems of a run that are done, read from its folder and written to it as they come."""

    def __init__(self, folder: Path, fingerprint: dict[str, Any], kind: type[Done]) -> None:
        """Open the folder, or make it.

        Args:
            folder: of the run.
            fingerprint: by name, everything that decides what the results are.
            kind: of what is kept of a problem: a record with a field `error`.

        Raises:
            EvaluationError: it holds another run, something else, or another process is at it.
        """
        self.folder = folder
        self.known: dict[str, Done] = {}
        """Problem id to what became of it; those that ended in an error are not in it, and asked again."""
        self._elapsed: dict[int, float] = {}
        self._kind = kind
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _check(folder, fingerprint)
            self._file = (folder / RESULTS).open("ab", buffering=0)
        except OSError as error:
            raise EvaluationError(f"No run can be kept in {str(folder)!r}: {error}. Give another folder.") from error
        try:
            _lock(self._file, folder)
            self._read()
        except BaseException:
            self._file.close()
            raise
        self._session = max(self._elapsed, default=-1) + 1

    @property
    def seconds(self) -> float:
        """Wall time of all its processes, each until its last result."""
        return sum(self._elapsed.values())

    def add(self, id: str, result: Done, elapsed: float) -> None:
        """Keep what became of a problem."""
        self._elapsed[self._session] = elapsed
        line = _Line(id=id, session=self._session, elapsed=elapsed, result=result.model_dump(mode="json"))
        self._file.write(line.model_dump_json().encode() + b"\n")

    def close(self) -> None:
        """Let another process at it."""
        self._file.close()

    def _read(self) -> None:
        """Take in the whole lines; cut off what a process was writing when it was killed."""
        path = self.folder / RESULTS
        written = path.read_bytes()
        whole = written[: written.rfind(b"\n") + 1]
        if len(whole) < len(written):
            os.truncate(path, len(whole))
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                line = _Line.model_validate_json(text)
                result = self._kind.model_validate(line.result)
            except ValidationError as error:
                raise EvaluationError(
                    f"Line {number} of {str(path)!r} is no result: {error.errors()[0]['msg']}. Remove the line, or give another folder."
                ) from error
            self._elapsed[line.session] = max(line.elapsed, self._elapsed.get(line.session, 0.0))
            if line.result.get("error") is None:
                self.known[line.id] = result


def _check(folder: Path, fingerprint: dict[str, Any]) -> None:
    """Go on only with the same run.

    Raises:
        EvaluationError: it is another, or something else is there.
    """
    path = folder / RUN
    if not path.exists():
        begun = {Path(RUN).with_suffix(".partial").name, REPLIES, f"{REPLIES}-wal", f"{REPLIES}-shm"}
        if others := sorted(one.name for one in folder.iterdir() if one.name not in begun):
            raise EvaluationError(f"{str(folder)!r} holds no run but {others[:3]}. Give an empty folder, or a new one.")
        write_whole(path, orjson.dumps(fingerprint, option=orjson.OPT_INDENT_2).decode())
        return
    try:
        found = orjson.loads(path.read_bytes())
        differing = sorted(key for key in found.keys() | fingerprint.keys() if found.get(key) != fingerprint.get(key))
    except (ValueError, AttributeError) as error:
        raise EvaluationError(f"{str(path)!r} cannot be read: {error}. Give another folder.") from error
    if differing:
        known = f"; with cache={str(folder / REPLIES)!r} nothing that it asked is asked again"
        raise EvaluationError(
            f"{str(folder)!r} holds another run: it differs in {', '.join(differing)}. Give another folder"
            f"{known if (folder / REPLIES).exists() else ''}."
        )


def _lock(file: BinaryIO, folder: Path) -> None:
    """Keep other processes away, where the system can; the lock goes with the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise EvaluationError(
            f"Another process is at the run in {str(folder)!r}. Wait for it, or give another folder."
        ) from error
