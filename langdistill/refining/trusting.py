"""What a truster is: it reads a question with two answers, and scores both."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, NamedTuple, Protocol

from langchain_core.messages import AIMessage


class Trust(NamedTuple):
    """What a truster says of two answers; the higher score is trusted, and of equal ones the first answer."""

    first: float
    refined: float


class Truster(Protocol):
    """Reads the state's question and two answers; yields what it wants asked, and returns its scores."""

    @property
    def name(self) -> str:
        """As traces tell it."""
        ...

    def __call__(self, state: Mapping[str, Any], first: AIMessage, refined: AIMessage) -> Generator[Any, Any, Trust]:
        """Score both; a body of a graph's node, as `langdistill.nodes` runs it."""
        ...
