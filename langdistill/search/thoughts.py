"""A tree as a graph's state keeps it, and as a recorder finds it: flat dicts with parent indices, nothing but builtins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from langdistill.records import Thought
from langdistill.search.tree import Tree


class Searched(TypedDict):
    """What a recorder finds of a search, as of `records.Search`."""

    thoughts: list[dict[str, Any]]
    chosen: int | None


def thoughts_of(tree: Tree) -> list[dict[str, Any]]:
    """The nodes, each as of `records.Thought`."""
    return [
        Thought(
            parent=node.parent,
            action=node.step.action,
            text=node.step.text,
            answer=node.step.answer,
            reward=node.step.reward,
            visits=node.visits,
            value=node.value,
        ).model_dump()
        for node in tree.nodes
    ]


def steps_to(thoughts: Sequence[Mapping[str, Any]], at: int) -> list[str]:
    """What is said from the root to a node."""
    told = list[str]()
    while (parent := thoughts[at]["parent"]) is not None:
        told.append(thoughts[at]["text"])
        at = parent
    return told[::-1]


def told_on_the_way(thoughts: Sequence[Mapping[str, Any]], at: int) -> str:
    """The same, a line each."""
    return "\n".join(steps_to(thoughts, at))
