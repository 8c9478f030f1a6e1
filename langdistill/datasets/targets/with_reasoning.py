"""The question and the whole reply of each sample: its reasoning and its answer (Magister et al., 2212.08410; Ho et al.,
2212.10071).
"""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.datasets.attempts import attempts
from langdistill.datasets.rows import in_order, no_question
from langdistill.datasets.taking import Taking
from langdistill.errors import DatasetError
from langdistill.groups import Group, Rows


@dataclass(frozen=True)
class WithReasoning(Taking):
    """A row for each candidate that has an answer: x -> z, y, the reply as it was said.

    `reasoning` of a row is z alone: what the server told apart, what stands between tags, or else before the line of the answer;
    `None` where a reply has none. `with_reasoning` is the one with the settings below; `WithReasoning(most=1)` is another.

    Raises:
        DatasetError: `most` is no number of rows.
    """

    most: int | None = None
    """Rows of a problem; the first ones in the order of what they say, which no order of arrival changes. `None` for all."""

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 1:
            raise DatasetError(
                f"WithReasoning(most={self.most}) gives no row; give a number from 1 up, or None for all."
            )

    def __call__(self, group: Group) -> Rows:
        """One row per candidate."""
        if missing := no_question(group):
            return Rows(reason=missing)
        rows = [one.row(group, reasoning=one.reasoning) for one in attempts(group) if one.answer is not None]
        return Rows(in_order(rows)[: self.most]) if rows else Rows(reason="no-answer")


with_reasoning = WithReasoning()
