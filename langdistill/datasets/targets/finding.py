"""Find a target by its name, which is that of its file and of its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from langdistill.datasets.taking import Taking
from langdistill.finding import found_named, names_in
from langdistill.groups import Target

PROTOCOL_FILES = {"finding"}


def target_names() -> list[str]:
    """The targets that there are."""
    return names_in(Path(__file__).parent, besides=PROTOCOL_FILES)


def find_target(name: str) -> Callable[..., Target]:
    """What makes a target: the factory of one with settings; of a plain one, what gives it.

    Raises:
        UnknownName: there is no such target.
    """
    found: Any = found_named("target", name, "langdistill.datasets.targets", target_names())
    if isinstance(found, Taking):
        return partial(replace, found)  # usable as it is, and with other settings
    if "group" in inspect.signature(found).parameters:
        return lambda: cast("Target", found)
    return found
