"""What a killed training goes on from: a folder beside the versions, by what decides the weights."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from zipfile import is_zipfile

from langdistill.errors import MissingExtra, StudentError
from langdistill.students.train.ranks import ranks

STATE = "trainer_state.json"
"""Written last of the main process's files of a checkpoint."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}
WRITERS = ("PytorchStreamWriter", "unexpected pos", "No space left", "I/O error", "Disk quota")
"""What torch and safetensors say, in errors that are no `OSError`."""


@contextmanager
def work_folder(out: Path, fingerprint: str) -> Generator[Path]:
    """The folder that a training keeps its checkpoints in; only one training at a time works in it, with all its processes.

    It stays after an error or an interrupt, and the same training goes on from it. The main process alone locks it: where it
    cannot, it leaves, and whoever started the processes ends the others.

    Raises:
        StudentError: another process is at it, or no folder can be made or written in there.
    """
    folder = out / f".training-{fingerprint[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudentError(f"No folder can be made at {str(folder)!r}: {error}. Give another place.") from error
    if not ranks().main:
        yield folder
        return
    with _locked(folder):
        yield folder


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    try:
        from filelock import FileLock, Timeout
    except ImportError as missing:
        raise MissingExtra("filelock", "train") from missing
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StudentError(
            f"Another process is at this training: {str(folder)!r} is locked. Wait for it, or change the seed."
        ) from None
    except OSError as error:
        raise StudentError(f"Nothing can be written in {str(folder)!r}: {error}. Give another place.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def written(folder: Path) -> Generator[None]:
    """Tell a disk that is full, or a folder that cannot be written in, as what it is.

    Raises:
        StudentError: something could not be written below the folder.
    """
    try:
        yield
    except Exception as error:
        if not _of_writing(error, folder):
            raise
        last = last_checkpoint(folder)
        raise StudentError(
            f"The training stopped, because nothing more can be written in {str(folder)!r}: {error}. Make room there; the same "
            f"training then goes on from {f'step {step_of(last)}' if last else 'its beginning'}."
        ) from error


def _of_writing(error: Exception, folder: Path) -> bool:
    """Whether an error is of the disk or the folder: the system's own, or as torch's and safetensors' writers tell it."""
    if isinstance(error, OSError):
        return error.errno in FULL or Path(str(error.filename or "")).is_relative_to(folder)
    wrote = isinstance(error, RuntimeError) or type(error).__name__ == "SafetensorError"
    return wrote and any(said in str(error) for said in WRITERS)


def last_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that every process wrote whole."""
    found = sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True)
    return next((path for path in found if _is_whole(path)), None)


def is_finished(checkpoint: Path) -> bool:
    """Whether it was written after the last update of its run."""
    told = json.loads((checkpoint / STATE).read_text())
    return told["global_step"] >= told["max_steps"]


def step_of(checkpoint: Path) -> int:
    """Updates made when a checkpoint was written."""
    return int(checkpoint.name.rpartition("-")[2])


def _is_whole(checkpoint: Path) -> bool:
    try:
        told = json.loads((checkpoint / STATE).read_text())
    except (OSError, ValueError):
        return False
    size = ranks().size
    drawn = [checkpoint / f"rng_state_{rank}.pth" for rank in range(size)] if size > 1 else []
    return told["global_step"] == step_of(checkpoint) and all(is_zipfile(path) for path in drawn)


def forget(folder: Path) -> None:
    """Remove the checkpoints of a training that is finished."""
    shutil.rmtree(folder, ignore_errors=True)
