"""Folders and files that are there whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from langdistill.errors import LangdistillError

SWAP = 60
"""Seconds that no process needs to put one folder in the place of another; numbers of processes are used again."""


def check_place(out: Path, *, overwrite: bool, mark: str, error: type[LangdistillError]) -> None:
    """Refuse a place that is taken.

    Args:
        out: the folder to be.
        overwrite: it may replace an earlier one of its kind, and nothing else.
        mark: the file by which a folder of that kind is known.
        error: what to raise.
    """
    if not recovered(out).exists():
        return
    if not overwrite:
        raise error(f"The folder {str(out)!r} exists. Give another one, or overwrite=True (--overwrite) to replace it.")
    if Path.cwd().is_relative_to(out.resolve()):
        raise error(f"{str(out)!r} is the folder that you are in. Go to another one, and give its path from there.")
    if not out.is_dir() or (any(out.iterdir()) and not (out / mark).is_file()):
        raise error(
            f"{str(out)!r} holds no {mark}, so it is nothing that may be overwritten. Give another folder, or remove it yourself."
        )


@contextmanager
def written_beside(out: Path) -> Generator[Path]:
    """An empty folder to write into, which takes the place of `out` at the end; after an error nothing is left of it.

    What a process left that was killed while it wrote is removed. Where the place is a link, what it leads to is replaced.

    Raises:
        LangdistillError: no folder can be made there.
    """
    out = recovered(out.resolve())
    _sweep(out)
    beside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        beside.mkdir(parents=True)
    except OSError as error:
        raise LangdistillError(f"No folder can be made at {str(out)!r}: {error}. Give another place.") from error
    try:
        yield beside
        take_place(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def take_place(beside: Path, out: Path) -> None:
    """Move a whole folder to its place, so that at every moment either it stands there or what stood there before.

    Where the system cannot exchange two folders in one step, what stood there is moved aside first; a process that is killed
    right then leaves nothing at the place, and `recovered` puts it back.
    """
    _settle(beside)
    out = out.resolve()
    if not out.exists():
        beside.rename(out)
    elif exchanged(beside, out):
        _settle(out.parent)
        shutil.rmtree(beside)
    else:
        _replace(beside, out)
    _settle(out.parent)


def _replace(beside: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.rename(old)
    try:
        beside.rename(out)
    except BaseException:
        old.rename(out)
        raise
    _settle(out.parent)
    shutil.rmtree(old)


def exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; whether the system can (Linux's ``renameat2``)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return renameat2(here, os.fsencode(one.absolute()), here, os.fsencode(other.absolute()), exchange) == 0


def recovered(out: Path) -> Path:
    """The place, with what stood there put back where a process was killed between moving it aside and replacing it."""
    if not out.exists():
        aside = sorted(_left(out.resolve(), "old"), key=lambda path: path.stat().st_mtime)
        if aside:
            aside[-1].rename(out.resolve())
    return out


@contextmanager
def file_beside(out: Path) -> Generator[Path]:
    """The path of a file to write, which takes the place of `out` at the end; after an error nothing is left of it."""
    _sweep(out)
    beside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        yield beside
        beside.replace(out)
        _settle(out.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sweep(out: Path) -> None:
    """Remove what processes left beside the place that were killed: what they had begun, and what they had replaced."""
    for path in [*_left(out, "partial"), *(_left(out, "old") if out.exists() else [])]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _left(out: Path, kind: str) -> list[Path]:
    """What lies beside the place of processes that are at it no more."""
    name = re.compile(rf"\.{re.escape(out.name)}\.(\d+)\.{kind}")
    try:
        beside = list(out.parent.iterdir())
    except OSError:
        return []
    found = ((path, name.fullmatch(path.name)) for path in beside)
    return [path for path, named in found if named and _is_left(path, int(named[1]))]


def _is_left(path: Path, process: int) -> bool:
    """Whether the process is gone, or what has its number is another one: this process, or one that leaves a swap unfinished."""
    if process == os.getpid() or not _runs(process):
        return True
    try:
        return path.suffix == ".old" and time.time() - path.stat().st_ctime > SWAP
    except OSError:
        return False


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


def _settle(folder: Path) -> None:
    """Let the names in a folder outlast a power cut, where the system can."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(opened)
    except OSError:
        return
    finally:
        os.close(opened)


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place and rename it, so that it is there whole or not at all."""
    beside = path.with_suffix(".partial")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
