"""Several pieces of work side by side, each in a process of its own with one thread.

The lab model is so small that a second thread makes it slower; a second process does not.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from queue import Empty
from typing import Any, TypeVar

from langdistill.errors import StudentError

Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
"""Told a step's name, how much of it is done, and of how much."""

_told: Any = None


def side_by_side(
    work: Callable[..., Result], arguments: Mapping[str, tuple[Any, ...]], *, jobs: int, progress: Progress
) -> dict[str, Result]:
    """``work(*arguments[name], progress)`` for every name, at most `jobs` at once; one job at a time runs in this process.

    What a process reports as progress is told here. An error ends the other processes and is raised.

    Raises:
        StudentError: a process was killed from outside.
    """
    if jobs == 1 or len(arguments) == 1:
        return {name: work(*given, progress) for name, given in arguments.items()}
    context, ours = get_context("spawn"), set(active_children())
    told = context.Queue()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(told,))
    try:
        futures = {name: pool.submit(_work, work, given) for name, given in arguments.items()}
        _follow(set(futures.values()), told, progress)
        return {name: future.result() for name, future in futures.items()}
    except BrokenProcessPool as broken:  # its other processes are ended by the pool itself
        raise StudentError(
            "A worker process was killed, maybe for want of memory. The same command goes on from there; --jobs 1 needs least."
        ) from broken
    except BaseException:
        for child in set(active_children()) - ours:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _follow(open_futures: set[Future[Any]], told: Any, progress: Progress) -> None:
    """Pass progress on until all is done or something has failed."""
    while open_futures:
        done, open_futures = wait(open_futures, timeout=0.2, return_when=FIRST_COMPLETED)
        _pass_on(told, progress)
        for future in done:
            future.result()
    _pass_on(told, progress, patience=0.5)  # a result may overtake the last that was told


def _pass_on(told: Any, progress: Progress, patience: float = 0.0) -> None:
    while True:
        try:
            progress(*told.get(timeout=patience))
        except Empty:
            return


def _begin(told: Any) -> None:
    global _told
    _told = told
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its children
    os.environ["OMP_NUM_THREADS"] = "1"


def _work(work: Callable[..., Result], given: tuple[Any, ...]) -> Result:
    return work(*given, _tell)


def _tell(step: str, done: int, of: int) -> None:
    _told.put((step, done, of))
