"""Which trace to trust, by what the second model made of each; gold answers have no way in.

Source: rStar (Qi et al., 2408.06195, section 3.3). In the authors' code the selection is given the gold answer; nothing here is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from langdistill.answers import normalise
from langdistill.search.masking import lines_of
from langdistill.search.settings import Score
from langdistill.search.thoughts import steps_to
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


def traces_of(thoughts: Sequence[Mapping[str, Any]], ended: Sequence[int]) -> list[Trace]:
    """The traces of the rollouts, each leaf once, in the order in which rollouts first ended there; those without an answer are none.

    Args:
        thoughts: the tree, as of `thoughts.thoughts_of`.
        ended: the leaf of each rollout.
    """
    found = list[Trace]()
    for leaf in dict.fromkeys(ended):
        one = thoughts[leaf]
        if one["answer"] is not None:
            told = tuple(lines_of(steps_to(thoughts, leaf)))
            found.append(Trace(leaf, told, one["answer"], one["value"], one["reward"] or 0.0))
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

    It says nothing where it agrees with every trace alike, or with none. Of traces of one score, as those of one answer are by "repo"
    and "smoothed", that of the largest product is taken.

    Args:
        checked: every trace with what was made of it.
        agree: share of its completions that must agree, for a trace to be verified.
        score: of a verified trace, as of `Settings`.
    """
    verified = [one for one in checked if _is_verified(one, agree)]
    if not verified or len({one.survival for one in checked}) == 1:
        return majority([one.trace for one in checked])
    scores = _SCORES[score](checked, verified)
    at = max(range(len(verified)), key=lambda index: (scores[index], _product(verified[index])))
    return verified[at].trace


def _is_verified(one: Checked, agree: float) -> bool:
    return bool(one.completed) and one.survival >= agree


def _product(one: Checked) -> float:
    return one.trace.reward * one.trace.confidence


def _by_product(checked: Sequence[Checked], verified: Sequence[Checked]) -> list[float]:
    return [_product(one) for one in verified]


def _by_sum(checked: Sequence[Checked], verified: Sequence[Checked]) -> list[float]:
    """The answer's share of the rewards of verified traces, and the share of its traces that are verified."""
    total = _reward(verified) or 1.0
    kept, all_of = _of_answers(verified), _of_answers(checked)
    scores = {key: _reward(some) / total + len(some) / len(all_of[key]) for key, some in kept.items()}
    return [scores[_key(one)] for one in verified]


def _by_smoothed(checked: Sequence[Checked], verified: Sequence[Checked]) -> list[float]:
    """The rewards of all traces of the answer, times the smoothed share of their completions that agree."""
    scores = {key: _reward(some) * _smoothed(some) for key, some in _of_answers(checked).items()}
    return [scores[_key(one)] for one in verified]


_SCORES: Mapping[Score, Callable[[Sequence[Checked], Sequence[Checked]], list[float]]] = {
    "product": _by_product,
    "repo": _by_sum,
    "smoothed": _by_smoothed,
}


def _smoothed(some: Sequence[Checked]) -> float:
    return (sum(one.agreed for one in some) + 1) / (sum(one.completed for one in some) + 2)


def _reward(some: Sequence[Checked]) -> float:
    return sum(one.trace.reward for one in some)


def _key(one: Checked) -> str:
    return normalise(one.trace.answer)


def _of_answers(checked: Sequence[Checked]) -> dict[str, list[Checked]]:
    """The traces of each answer."""
    found = dict[str, list[Checked]]()
    for one in checked:
        found.setdefault(_key(one), []).append(one)
    return found
