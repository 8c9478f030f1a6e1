"""The traces of a search in steps, each with its value, for process reward models.

Source: the value of a step is what the rollouts through it came to: Q/N of rStar (Qi et al., 2408.06195, section 3.2), or with right
answers the share of them that ended in one (Math-Shepherd, Wang et al., 2312.08935, section 3.3; rStar-Math, 2501.04519, section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from langdistill.datasets.judging import Judge
from langdistill.datasets.rows import in_order
from langdistill.datasets.searched import FromSearches, Searched, Steps, Way, beginnings, monte_carlo
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows
from langdistill.records import Example


@dataclass(frozen=True)
class StepValues(FromSearches):
    """See `step_values`."""

    above: float
    rollouts: int

    def rows(self, found: Searched, group: Group) -> Rows:
        """A row for each way to an answer of which a step has a label."""
        values = self._values(found, group)
        if not values:
            return Rows(reason="unjudged")
        rows = [self._row(group, one, values) for one in found.ways]
        labelled = [row for row in rows if any(label is not None for _, label in row.steps or ())]
        return Rows(in_order(labelled)) if labelled else Rows(reason="few-rollouts")

    def _values(self, found: Searched, group: Group) -> Mapping[Steps, float]:
        """Of each step that anybody could judge."""
        if self.judge is None:
            told = (pair for way in found.ways for pair in zip(beginnings(way.steps), way.rollouts, strict=True))
            return {step: through.mean for step, through in told}
        verdicts = [way.judged(self.judge, group) for way in found.ways]
        return {} if all(good is None for good in verdicts) else monte_carlo(found, verdicts)

    def _row(self, group: Group, way: Way, values: Mapping[Steps, float]) -> Example:
        told = [values.get(step) for step in beginnings(way.steps)]
        labels = [self._label(value, through.visits) for value, through in zip(told, way.rollouts, strict=True)]
        return way.row(group, steps=list(zip(way.steps, labels, strict=True)), step_values=told)

    def _label(self, value: float | None, visits: int) -> bool | None:
        return None if value is None or visits < self.rollouts else value > self.above


def step_values(judge: Judge | None = None, *, above: float = 0.5, rollouts: int = 1) -> StepValues:
    """Every way to an answer in its steps, each with its value and whether that is large enough to be called right.

    The format `trl_stepwise` writes the values beside the labels; it takes no row with an unlabelled step. "unjudged" where nobody can
    say of any way whether it is right, "few-rollouts" where no step has a label.

    Args:
        judge: which ways are right: the value of a step is then the share of the rollouts through it that ended in a right answer.
            Without one it is Q/N, the mean of their rewards: how sure the search is, not how right.
        above: a step is called right if its value is larger. 0: if any rollout through it ended well (Math-Shepherd's hard labels).
        rollouts: a step through which fewer went has no label; its value is told all the same.

    Raises:
        DatasetError: `above` is no value that something can be larger than, or `rollouts` no number of them.
    """
    if not 0 <= above < 1 or rollouts < 1:
        raise DatasetError(
            f"step_values(above={above}, rollouts={rollouts}) labels nothing; give a bound from 0 up to, not including, 1, and a number "
            "of rollouts from 1 up."
        )
    return StepValues(judge, above, rollouts)
