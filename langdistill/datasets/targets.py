"""What the student must say: a function of a problem's recorded answers, never of its gold answer."""

from __future__ import annotations

from collections.abc import Callable

from langdistill.datasets.groups import Group
from langdistill.votes import vote

Target = Callable[[Group], "str | None"]
"""The target of a group, `None` where it has none."""


def final_answer(group: Group) -> str | None:
    """The answer that most samples arrive at, without the thinking; a tied lead gives none.

    This is System-2 distillation (Yu et al., 2407.06023): of x -> z, y the student learns x -> y.
    """
    return vote(group.answers).answer


def one_sample(group: Group) -> str | None:
    """The answer of the first sample that has one, without a vote: what an unfiltered data set consists of."""
    return next((answer for answer in group.answers if answer is not None), None)
