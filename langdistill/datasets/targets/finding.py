"""Find a target by its name, which is that of its file and of its function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from langdistill.datasets.taking import Taking
from langdistill.errors import UnknownName
from langdistill.groups import Target

PROTOCOL_FILES = {"__init__", "finding"}


def target_names() -> list[str]:
    """The targets that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PROTOCOL_FILES)


def find_target(name: str) -> Callable[..., Target]:
    """What makes a target: the factory of one with settings; of a plain one, what gives it.

    Raises:
        UnknownName: there is no such target.
    """
    if name not in target_names():
        raise UnknownName("target", name, target_names())
    found: Any = getattr(import_module(f"langdistill.datasets.targets.{name}"), name)
    if isinstance(found, Taking):
        return partial(replace, found)  # usable as it is, and with other settings
    if "group" in inspect.signature(found).parameters:
        return lambda: cast("Target", found)
    return found
