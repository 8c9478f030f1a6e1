"""Refine nothing: the baseline that the first answer is."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from langdistill.refining.doubting import Doubt


@dataclass(frozen=True)
class Never:
    """See `never`."""

    name: str = "never"

    def __call__(self, state: Mapping[str, Any], reply: AIMessage) -> Generator[Any, Any, Doubt]:
        """No decision to refine, whatever the threshold."""
        return Doubt([], None)
        yield  # a body of a node is a generator, and this one asks nothing


def never() -> Never:
    """An asker that doubts nothing."""
    return Never()
