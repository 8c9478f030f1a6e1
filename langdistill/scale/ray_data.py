"""A harvest on Ray Data: the store is cut into ranges of problems, and workers take each range through the stages.

The passages come back in the order of the problems, so the counts, the hashes and the files are those of `locally`. Filters over
the whole corpus run where the harvest was started, on what the workers left.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from langdistill.datasets.pipeline import AT_ONCE, locally
from langdistill.datasets.selection import Selected, chunks
from langdistill.datasets.stages import Passage, Stage
from langdistill.errors import DatasetError, MissingExtra
from langdistill.stores.protocol import Store

RANGE = 500
"""Problems of one task: enough that starting it costs little, and few enough that its passages fit into memory."""
OBJECTS = 1 << 30
"""Bytes of shared memory that a Ray started here may keep results in."""
RETRIES = 2
"""Of a range whose worker died; Ray Data by itself tries for ever, whatever it was that killed it."""
PATIENCE = 60
"""Seconds to wait for the end of what was stopped."""

Given = dict[str, Any]
"""A batch of one row, as Ray Data hands it over: column to an array of one value."""


def on_ray(selected: Selected, stages: Sequence[Stage], slim: bool) -> Iterator[Passage]:
    """The engine of Ray Data: in the cluster that is connected to, or in one on this machine for the time of the harvest.

    The workers open the store by its path or address, so that must be the same for all of them; an SQLite file is one for the
    workers of one machine.

    Args:
        selected: the problems.
        stages: those that look at one problem alone; they travel to the workers by cloudpickle, functions of your own included.
        slim: whether the passages come back without their traces.

    Raises:
        DatasetError: the store is an object that no other process can open, a stage cannot travel, or Ray lost the workers.
        MissingExtra: Ray is not installed.
    """
    try:
        ray: Any = import_module("ray")
        data: Any = import_module("ray.data")
    except ImportError as missing:
        raise MissingExtra("ray", "ray") from missing
    there = replace(selected, store=_openable(selected.store))
    work = _travelling(ray.cloudpickle, there, stages, slim)
    ranges = [{"first": first, "beyond": beyond} for first, beyond in pairwise([*there.boundaries(RANGE), ""])]
    if not ranges:
        return
    with _running(ray), closing(_results(ray, data, ranges, work)) as results:
        for found in results:
            for passage in found:
                yield passage.with_extractor(selected.extract)


def _openable(store: str | Path | Store) -> str | Path:
    """What a worker opens the store by."""
    target = store if isinstance(store, (str, Path)) else getattr(store, "target", None)
    if target is None:
        raise DatasetError(
            f"A {type(store).__name__} is in the memory of this process, and Ray's workers cannot open it. Give the harvest the path "
            "of an SQLite file or the address of a PostgreSQL store, or run it on the local engine."
        )
    return (
        target.absolute() if isinstance(target, Path) else target if "://" in target else str(Path(target).absolute())
    )


def _travelling(cloudpickle: Any, selected: Selected, stages: Sequence[Stage], slim: bool) -> bytes:
    """What the workers need, as bytes."""
    for name, part in [("selection", selected), *((stage.name, stage) for stage in stages)]:
        try:
            cloudpickle.dumps(part)
        except Exception as error:
            raise DatasetError(
                f"The {name!r} of this harvest cannot be sent to Ray's workers: {error}. It must hold no open file, lock or "
                "connection; make such things where they are used, or run it on the local engine."
            ) from error
    return cloudpickle.dumps((sys.path, cloudpickle.dumps((selected, stages, slim))))


@contextmanager
def _running(ray: Any) -> Generator[None]:
    """A Ray to work on: the one that is connected to or that RAY_ADDRESS names, else one of our own, ended afterwards."""
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if not os.environ.get("RAY_ADDRESS"):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of a harvest on this machine goes elsewhere
        quiet |= {"include_dashboard": False, "object_store_memory": OBJECTS, "_node_ip_address": "127.0.0.1"}
    ray.init(**quiet)
    progress = logging.getLogger("ray.data")
    level = progress.level
    progress.setLevel(logging.ERROR)
    try:
        yield
    finally:
        progress.setLevel(level)
        ray.shutdown()


def _results(ray: Any, data: Any, ranges: list[dict[str, str]], work: bytes) -> Generator[list[Passage]]:
    """What the workers made of the ranges, in their order, as it comes."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", category=DeprecationWarning, module=r"ray\b"
        )  # Ray's own use of what it deprecates
        given = data.from_items(ranges, override_num_blocks=len(ranges))
        warnings.filterwarnings(
            "ignore", "`ray_remote_args` is deprecated"
        )  # until there is another way to say max_retries
        found = given.map_batches(_worker(ray.cloudpickle, work), batch_size=1, max_retries=RETRIES)
    found.context.execution_options.preserve_order = True
    found.context.enable_progress_bars = False
    try:
        for row in found.iter_rows():
            yield _told(row["result"])
    except ray.exceptions.RayError as error:
        raise DatasetError(
            f"Ray could not take the harvest to its end: {_shortly(error)}. See its logs, give its workers more memory, or run it "
            "on the local engine."
        ) from error
    finally:
        _end(found)


def _end(found: Any) -> None:
    """End what still runs for who stopped early, and wait: to shut Ray down under a running execution aborts this process."""
    if execution := getattr(found, "_current_executor", None):
        execution.shutdown(force=True)
        execution.join(PATIENCE)


def _worker(cloudpickle: Any, work: bytes) -> Callable[[Given], Iterator[Given]]:
    """What a worker does with a range: takes its problems through the stages, some at a time; an error is a result, too."""

    def through_range(batch: Given) -> Iterator[Given]:
        first, beyond = str(batch["first"][0]), str(batch["beyond"][0]) or None
        try:
            places, told = pickle.loads(work)
            sys.path += [place for place in places if place not in sys.path]  # where modules of the user's own are
            selected, stages, slim = pickle.loads(told)
            only: Selected = replace(selected, first=first, beyond=beyond)
            for some in chunks(locally(only, stages, slim), AT_ONCE):
                yield {"result": [pickle.dumps([one.without_extractor() for one in some], pickle.HIGHEST_PROTOCOL)]}
        except Exception as error:
            error.add_note(f"In a worker of Ray, on the problems from {first!r}:\n{traceback.format_exc()}")
            yield {"result": [_packed(cloudpickle, error)]}

    return through_range


def _packed(cloudpickle: Any, error: Exception) -> bytes:
    """The error, or its text where it cannot travel."""
    try:
        packed = cloudpickle.dumps(error)
        pickle.loads(packed)
    except Exception:
        told = DatasetError(f"A stage failed in a worker of Ray: {type(error).__name__}: {error}.")
        packed = pickle.dumps(told.with_traceback(None))
    return packed


def _told(result: bytes) -> list[Passage]:
    """The passages, or the error of the worker, raised here."""
    found = pickle.loads(result)
    if isinstance(found, Exception):
        raise found
    return found


def _shortly(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:300].rstrip(".") if str(error).strip() else type(error).__name__
