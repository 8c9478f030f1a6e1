"""One node of an agent or graph: what its model was asked, tools and all, and what it replied."""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.datasets.calls import rows_of_calls
from langdistill.datasets.taking import Taking
from langdistill.groups import Group, Rows


@dataclass(frozen=True)
class Node(Taking):
    """See `node`."""

    node: str

    def __call__(self, group: Group) -> Rows:
        """A row for each reply in this node."""
        return rows_of_calls(group, lambda call: self.node in (call.node, call.path))


def node(name: str) -> Node:
    """The student learns one node: a row for each of its replies, those of n asked at once and those of parallel branches.

    The prompt is that of the call with its system prompt and tool results, without the thinking of earlier replies; the target
    is the reply with its tool calls and reasoning; the tools are those on offer in the call. Calls that failed, were
    cancelled or broke off, and nodes that LangGraph retried afterwards, give none ("failed-calls" where nothing is left;
    "no-call" where the node asked no model).

    Args:
        name: of the node, or its path from the root ("think/sample").
    """
    return Node(name)
