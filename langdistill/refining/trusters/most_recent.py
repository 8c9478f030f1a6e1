"""Always trust the refinement: the paper's baseline "Most Recent"."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from langdistill.refining.trusting import Trust


@dataclass(frozen=True)
class MostRecent:
    """See `most_recent`."""

    name: str = "most_recent"

    def __call__(self, state: Mapping[str, Any], first: AIMessage, refined: AIMessage) -> Generator[Any, Any, Trust]:
        """The refinement, without asking anybody."""
        return Trust(0.0, 1.0)
        yield  # a body of a node is a generator, and this one asks nothing


def most_recent() -> MostRecent:
    """Trust whatever was said last."""
    return MostRecent()
