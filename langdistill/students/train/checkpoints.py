"""What a killed training goes on from: a folder beside the versions, by what decides the weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from langdistill.errors import MissingExtra, StudentError

STATE = "trainer_state.json"
"""Written last of a checkpoint's files."""


@contextmanager
def work_folder(out: Path, fingerprint: str) -> Generator[Path]:
    """The folder that a training keeps its checkpoints in; only one process at a time works in it.

    It stays after an error or an interrupt, and the same training goes on from it.

    Raises:
        StudentError: another process is at it, or no folder can be made there.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError as missing:
        raise MissingExtra("filelock", "train") from missing
    folder = out / f".training-{fingerprint[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudentError(f"No folder can be made at {str(folder)!r}: {error}. Give another place.") from error
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StudentError(
            f"Another process is at this training: {str(folder)!r} is locked. Wait for it, or change the seed."
        ) from None
    try:
        yield folder
    finally:
        lock.release()


def last_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that was written whole."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    return next((path for path in found if _is_whole(path)), None)


def _is_whole(checkpoint: Path) -> bool:
    try:
        told = json.loads((checkpoint / STATE).read_text())
    except (OSError, ValueError):
        return False
    return told["global_step"] == int(checkpoint.name.rpartition("-")[2])


def forget(folder: Path) -> None:
    """Remove the checkpoints of a training that is finished."""
    shutil.rmtree(folder, ignore_errors=True)
