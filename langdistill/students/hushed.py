"""Libraries that say nothing but errors for a while."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from langdistill.students.train.materials import imported

LOGGERS = ("transformers", "trl")


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
