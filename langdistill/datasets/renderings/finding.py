"""Find a rendering by its name, which is that of its file and of its function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from langdistill.datasets.rendering import Rendering
from langdistill.finding import found_named, names_in

PROTOCOL_FILES = {"exemplars", "finding", "wording"}


def rendering_names() -> list[str]:
    """The renderings that there are."""
    return names_in(Path(__file__).parent, besides=PROTOCOL_FILES)


def find_rendering(name: str) -> Callable[..., Rendering]:
    """The rendering's factory.

    Raises:
        UnknownName: there is no such rendering.
    """
    return found_named("rendering", name, "langdistill.datasets.renderings", rendering_names())
