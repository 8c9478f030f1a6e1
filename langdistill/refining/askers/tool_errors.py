"""An asker that doubts an answer after a tool has failed: what the tool said is what the refinement is told."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langdistill.refining.doubting import Doubt

LONGEST = 500
"""Characters of an error that are told."""


@dataclass(frozen=True)
class ToolErrors:
    """See `tool_errors`."""

    name: str = "tool_errors"

    def __call__(self, state: Mapping[str, Any], reply: AIMessage) -> Generator[Any, Any, Doubt]:
        """Certain either way."""
        failed = list[str]()
        for message in state["messages"]:
            if isinstance(message, HumanMessage):
                failed = []
            elif isinstance(message, ToolMessage) and message.status == "error":
                failed.append(f"What if {message.name or 'the tool'} fails? It said: {message.text[:LONGEST]}")
        return Doubt(failed, float(bool(failed)))
        yield  # a body of a node is a generator, and this one asks nothing


def tool_errors() -> ToolErrors:
    """An asker that refines what is said after a tool's result with the status "error", since the user's last message."""
    return ToolErrors()
