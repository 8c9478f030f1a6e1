"""Breadth-first search over thoughts: which states are candidates, which of them are kept, and which answer is the best.

Source: Tree of Thoughts (Yao et al., 2305.10601, Algorithm 1). No model and no graph is here. Of a node, visits are the judgements of
it that could be read, and value is their sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langdistill.search.evaluating import Judgement
from langdistill.search.tree import ROOT, Step, Tree


class Beam:
    """The kept states of a search under way; at first the question alone."""

    def __init__(self, breadth: int) -> None:
        """Begin at the root.

        Args:
            breadth: b, the most states that are kept.
        """
        self.tree = Tree()
        self.kept = [ROOT]
        """The best first."""
        self._breadth = breadth

    @property
    def answered(self) -> list[int]:
        """Kept states that have come to an answer."""
        return [one for one in self.kept if self._has_answer(one)]

    @property
    def open(self) -> list[int]:
        """Kept states that have not."""
        return [one for one in self.kept if not self._has_answer(one)]

    def lines(self, index: int) -> list[str]:
        """The thoughts that lead to a state, its own last."""
        return [step.text for step in self.tree.steps(index)]

    def grow(self, grown: Mapping[int, Sequence[Step]]) -> list[int]:
        """Give states their next thoughts: the new states, in the order of those that they come from."""
        return [new for index, steps in grown.items() if steps for new in self.tree.expand(index, steps)]

    def judge(self, judged: Mapping[int, Judgement]) -> None:
        """Take down what was said of states, in place of what had been said."""
        for index, one in judged.items():
            self.tree.nodes[index].visits, self.tree.nodes[index].value = one

    def keep(self, new: Sequence[int]) -> None:
        """Keep the best of the new states and of those with an answer that were kept before; where there are none, what was kept."""
        self.kept = sorted([*self.answered, *new], key=self._rank)[: self._breadth] or self.kept

    def best(self) -> int | None:
        """The best state with an answer: of those that are kept, or else of all."""
        return min(self.answered or self.tree.leaves(), key=self._rank, default=None)

    def _rank(self, index: int) -> tuple[bool, float, int]:
        """The higher mean first; what nobody judged comes after it, and of equal ones the first that was there."""
        node = self.tree.nodes[index]
        return not node.visits, -node.value / node.visits if node.visits else 0.0, index

    def _has_answer(self, index: int) -> bool:
        return self.tree.nodes[index].step.answer is not None
