"""Two tasks of one reasoned answer: say the answer, and say the reasoning, told apart by a prefix of the question.

Source: distilling step-by-step (Hsieh et al., 2305.02301): loss = alpha x label + (1 - alpha) x rationale. They are two passes over
the same question and never one text, so that nothing is reasoned when only the answer is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from langdistill.datasets.formats.fitting import Unfit
from langdistill.datasets.rendering import Render
from langdistill.datasets.renderings.wording import answer_in, question_in, reasoning_in, written
from langdistill.datasets.teacher_logprobs import covering
from langdistill.errors import DatasetError
from langdistill.named import Named
from langdistill.records import Example


@dataclass(frozen=True)
class StepByStep(Named):
    """See `step_by_step`."""

    label: str
    rationale: str

    def over(self, train: Iterable[Example]) -> Render:
        """What makes the rows of an example; it shows no other."""
        return self._rows

    def _rows(self, example: Example) -> Iterator[Example | Unfit]:
        for one in (self._label_row, self._rationale_row):
            try:
                yield one(example)
            except Unfit as unfit:
                yield unfit

    def _label_row(self, example: Example) -> Example:
        prompt = f"{self.label} {question_in(example)}"
        return written(example, prompt, answer_in(example), "label", reasoned=False)

    def _rationale_row(self, example: Example) -> Example:
        prompt = f"{self.rationale} {question_in(example)}"
        reasoning = reasoning_in(example)
        row = written(example, prompt, reasoning, "rationale", reasoned=True)
        return row.model_copy(update={"logprobs": covering(row.logprobs or [], reasoning)})


def step_by_step(*, label: str = "[label]", rationale: str = "[rationale]") -> StepByStep:
    """Write every example as two rows, of the styles "label" and "rationale".

    Which weight each has in the loss is the trainer's: the column `style` tells them apart.

    Args:
        label: what is put before the question where the target is the answer alone.
        rationale: what is put before the question where the target is the reasoning alone.

    Raises:
        DatasetError: both are the same, so the student could not tell what it is asked for.
    """
    if label == rationale:
        raise DatasetError(f"Both prefixes are {label!r}. Give two that differ.")
    return StepByStep(label, rationale)
