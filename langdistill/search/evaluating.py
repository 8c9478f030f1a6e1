"""What an evaluator is: it reads states of a search, and says how promising each is.

Source: Tree of Thoughts (Yao et al., 2305.10601, section 3): states valued one by one, or voted on together.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.asking import Ask


class Judgement(NamedTuple):
    """What was said of a state; states are ranked by the mean."""

    read: int
    """Replies that could be read; 0 is no judgement, and not a bad one."""
    total: float
    """The sum of what they say."""


Judging = Generator[list[Ask], list[list[AIMessage]], list[Judgement]]
"""Yields requests, is sent their replies, and returns a judgement for each state."""


class Evaluator(Protocol):
    """Judges the states of a level."""

    @property
    def name(self) -> str:
        """As traces tell it."""
        ...

    @property
    def compares(self) -> bool:
        """Whether states are judged by one another, so that those of an earlier level must be judged again."""
        ...

    def __call__(self, state: Mapping[str, Any], model: Runnable[Any, Any], paths: Sequence[Sequence[str]]) -> Judging:
        """Judge them; a part of a body of a graph's node.

        Args:
            state: of the graph, with the question in its messages.
            model: the one that searches, for an evaluator that has none of its own.
            paths: the thoughts of each state.
        """
        ...
