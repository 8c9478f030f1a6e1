"""Refine every answer: the baseline that plain self-refinement is."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from langdistill.refining.doubting import Doubt


@dataclass(frozen=True)
class Always:
    """See `always`."""

    name: str = "always"

    def __call__(self, state: Mapping[str, Any], reply: AIMessage) -> Generator[Any, Any, Doubt]:
        """Certain doubt, without a question."""
        return Doubt([], 1.0)
        yield  # a body of a node is a generator, and this one asks nothing


def always() -> Always:
    """An asker that doubts everything."""
    return Always()
