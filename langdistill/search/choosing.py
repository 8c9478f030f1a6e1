"""Which trace to trust, by what the second model made of each; gold answers have no way in.

Source: rStar (Qi et al., 2408.06195, section 3.3). In the authors' code the selection is given the gold answer; nothing here is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from langdistill.answers import normalise
from langdistill.search.masking import lines_of
from langdistill.search.settings import Score
from langdistill.search.tree import Tree
from langdistill.votes import leader


class Trace(NamedTuple):
    """A way to an answer."""

    leaf: int
    lines: tuple[str, ...]
    answer: str
    reward: float
    """Sum of the rewards of the rollouts that ended there."""
    confidence: float
    """Share of the leaf's samples that agree on the answer."""


class Checked(NamedTuple):
    """A trace with what the second model came to."""

    trace: Trace
    agreed: int
    """Completions that come to the same answer."""
    completed: int
    """Completions that there are."""

    @property
    def survival(self) -> float:
        """Share of the completions that agree; 0 where there are none."""
        return self.agreed / self.completed if self.completed else 0.0


def traces_of(tree: Tree, ended: Sequence[int]) -> list[Trace]:
    """The traces of the rollouts, each leaf once, in the order in which rollouts first ended there; those without an answer are none."""
    found = list[Trace]()
    for leaf in dict.fromkeys(ended):
        node = tree.nodes[leaf]
        if node.step.answer is not None:
            told = tuple(lines_of([step.text for step in tree.steps(leaf)]))
            found.append(Trace(leaf, told, node.step.answer, node.value, node.step.reward or 0.0))
    return found


def majority(traces: Sequence[Trace]) -> Trace | None:
    """Without a second model: the answer with the largest sum of rewards, by its trace of the largest reward."""
    at = leader([one.answer for one in traces], [one.reward for one in traces])
    if at is None:
        return None
    key = normalise(traces[at].answer)
    return max((one for one in traces if normalise(one.answer) == key), key=lambda one: (one.reward, one.confidence))


def choose(checked: Sequence[Checked], *, agree: float = 0.5, score: Score = "product") -> Trace | None:
    """The best verified trace; by the majority where none is verified, or where the second model says nothing.

    It says nothing where it agrees with every trace alike, or with none.

    Args:
        checked: every trace with what was made of it.
        agree: share of its completions that must agree, for a trace to be verified.
        score: of a verified trace, as of `Settings`.
    """
    verified = [one for one in checked if one.completed and one.survival >= agree]
    if not verified or len({one.survival for one in checked}) == 1:
        return majority([one.trace for one in checked])
    total = sum(one.trace.reward for one in verified) or 1.0
    return max(verified, key=lambda one: _score(one, total, score, verified)).trace


def _score(one: Checked, total: float, score: Score, verified: Sequence[Checked]) -> float:
    if score == "repo":
        key = normalise(one.trace.answer)
        share = sum(other.trace.reward for other in verified if normalise(other.trace.answer) == key) / total
        return share + one.survival
    product = one.trace.reward * one.trace.confidence
    return product * (one.agreed + 1) / (one.completed + 2) if score == "smoothed" else product
