"""Find a rendering by its name, which is that of its file and of its function."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from langdistill.datasets.rendering import Rendering
from langdistill.errors import UnknownName

PROTOCOL_FILES = {"__init__", "exemplars", "finding", "wording"}


def rendering_names() -> list[str]:
    """The renderings that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in PROTOCOL_FILES)


def find_rendering(name: str) -> Callable[..., Rendering]:
    """The rendering's factory.

    Raises:
        UnknownName: there is no such rendering.
    """
    if name not in rendering_names():
        raise UnknownName("rendering", name, rendering_names())
    found: Any = getattr(import_module(f"langdistill.datasets.renderings.{name}"), name)
    return found
