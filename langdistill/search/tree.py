"""A search tree as flat nodes with parent indices: selection by UCT, expansion, back-up, and virtual loss for rollouts at once.

Source: rStar (Qi et al., 2408.06195, section 3.2). No model and no graph is here; the same seed and the same outcomes give the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, log, sqrt
from random import Random
from typing import NamedTuple

ROOT = 0
"""Index of the root."""


def stream(seed: int, rollout: int) -> Random:
    """The random numbers of a rollout; of what is no rollout where it is below 0."""
    return Random(f"{seed}/{rollout}")


class Step(NamedTuple):
    """What an action gave: a node to be."""

    action: str
    """Id of the action: "A1" to "A5"."""
    text: str
    terminal: bool = False
    """Whether an answer was reached, or nothing may follow."""
    answer: str | None = None
    reward: float | None = None
    """Of a leaf, from 0 to 1: the share of its votes that agree (`None` where it has no answer)."""


@dataclass(slots=True)
class Node:
    """One reasoning step."""

    parent: int | None
    step: Step
    depth: int
    """Steps from the root."""
    children: list[int] = field(default_factory=list[int])
    visits: int = 0
    """N: rollouts that went through."""
    value: float = 0.0
    """Q: the sum of their rewards."""
    under_way: int = 0
    """Rollouts that went through and have not come back; each counts as a visit without reward (virtual loss)."""

    @property
    def tried(self) -> int:
        """Visits, those under way included."""
        return self.visits + self.under_way


class Tree:
    """Nodes by their index; a parent's is always lower than its children's."""

    def __init__(self, *, exploration: float = 2.0, seed: int = 0) -> None:
        """A tree of a root alone.

        Args:
            exploration: c of UCT; 2 in the authors' code.
            seed: of every draw: each rollout draws from a stream of its own, so that rollouts at once do not disturb one another.
        """
        self.nodes = [Node(None, Step("root", ""), 0)]
        self.exploration = exploration
        self.seed = seed

    def stream(self, rollout: int) -> Random:
        """The random numbers of a rollout."""
        return stream(self.seed, rollout)

    def uct(self, index: int) -> float:
        """Q/N + c * sqrt(ln(N of the parent) / N); infinite for a node that nobody has tried."""
        node = self.nodes[index]
        assert node.parent is not None, "the root has no siblings"
        if not node.tried:
            return inf
        above = max(1, self.nodes[node.parent].tried)
        return node.value / node.tried + self.exploration * sqrt(log(above) / node.tried)

    def select(self, rng: Random) -> list[int]:
        """From the root to a node without children: an untried child at random, else the child of the highest UCT.

        Of children that are alike the first is taken.
        """
        path = [ROOT]
        while children := self.nodes[path[-1]].children:
            untried = [one for one in children if not self.nodes[one].tried]
            path.append(rng.choice(untried) if untried else max(children, key=self.uct))
        return path

    def expand(self, index: int, steps: Sequence[Step]) -> list[int]:
        """Give a node its children, all at once; what it already has stays as it is. One that gets none is a dead end.

        Two rollouts may have come to the same node together: the first that comes back expands it.
        """
        node = self.nodes[index]
        if not steps and not node.children:
            node.step = node.step._replace(terminal=True)
        if not node.children and not node.step.terminal:
            for step in steps:
                node.children.append(len(self.nodes))
                self.nodes.append(Node(index, step, node.depth + 1))
        return node.children

    def enter(self, path: Sequence[int]) -> None:
        """A rollout is under way along the path: others are turned elsewhere."""
        for index in path:
            self.nodes[index].under_way += 1

    def leave(self, path: Sequence[int]) -> None:
        """It is not under way any more."""
        for index in path:
            self.nodes[index].under_way -= 1

    def back_up(self, path: Sequence[int], reward: float) -> None:
        """Add a rollout's reward to every node of its path."""
        for index in path:
            self.nodes[index].visits += 1
            self.nodes[index].value += reward

    def path(self, index: int) -> list[int]:
        """The indices from the root to a node."""
        found = [index]
        while (parent := self.nodes[found[-1]].parent) is not None:
            found.append(parent)
        return found[::-1]

    def steps(self, index: int) -> list[Step]:
        """The steps that lead to a node, its own last; the root has none."""
        return [self.nodes[at].step for at in self.path(index)[1:]]

    def leaves(self) -> Iterator[int]:
        """Nodes with an answer, in the order in which they came: everywhere in the tree, those that no rollout ended in, too."""
        return (at for at, node in enumerate(self.nodes) if node.step.terminal and node.step.answer is not None)
