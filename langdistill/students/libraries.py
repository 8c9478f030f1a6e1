"""torch, transformers, TRL and their like: imported where they are needed, quiet, and telling nobody of their use."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from langdistill.errors import MissingExtra

LOGGERS = ("transformers", "trl")
TELEMETRY = "HF_HUB_DISABLE_TELEMETRY"


def imported(name: str) -> Any:
    """A package of the extra `train`.

    Raises:
        MissingExtra: it is not installed.
    """
    os.environ.setdefault(TELEMETRY, "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside the libraries, at import
            found = import_module(name)
    except ImportError as missing:
        raise MissingExtra(missing.name or name, "train") from missing
    _untold()
    return found


def _untold() -> None:
    """No telemetry, unless the user's environment asks for it.

    Each trainer of TRL tells the hub of itself when it is made: its name, the architecture, the kind of device. The hub's client
    reads the variable once, when it is itself imported, and the constant at each call: where something else has imported the client
    before, the variable comes too late.
    """
    if os.environ.get(TELEMETRY) == "1" and (constants := sys.modules.get("huggingface_hub.constants")):
        constants.HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]


@contextmanager
def quiet() -> Generator[None]:
    """No progress bars of the libraries: the training tells its own."""
    datasets, bars = imported("datasets"), imported("transformers.utils.logging")
    shown = datasets.are_progress_bars_disabled(), bars.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if not shown[0]:
            datasets.enable_progress_bars()
        if shown[1]:
            bars.enable_progress_bar()


@contextmanager
def hushed() -> Generator[None]:
    """Silence transformers and TRL where what they tell is known and meant: that a head is new on its base, for one.

    Raises:
        MissingExtra: transformers is not installed.
    """
    bars = imported("transformers.utils.logging")
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels, shown = [logger.level for logger in loggers], bars.is_progress_bar_enabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    bars.disable_progress_bar()
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if shown:
            bars.enable_progress_bar()
