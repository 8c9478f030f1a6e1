"""Distilling step by step: the answer and the reasoning as two tasks of one student, told apart by a prefix of the question.

Source: Hsieh et al. (2305.02301): loss = alpha x label + (1 - alpha) x rationale. The two are passes of their own and never one text
(a target that holds both is chain-of-thought fine-tuning), so the student says the answer at once, with no reasoning before it.
`step_by_step` of `datasets/renderings` writes the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langdistill.errors import DatasetError, StudentError
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.masked import masked_rows
from langdistill.students.train.trainers.two_tasks import TASKS, both, parts, two_tasks


@dataclass(frozen=True)
class StepByStep(Objective):
    """See `step_by_step`."""

    formats: ClassVar[tuple[str, ...]] = ("trl", "trl_messages")

    alpha: float = 0.5

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """The two rows of an example go together, so none are packed."""
        if recipe.packing:
            raise StudentError("Packing would part the two rows of an example. Train with packing=False.")

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The tokens and labels of both rows of an example, as one row: the label's, and the rationale's as `rationale_...`."""
        pairs = _pairs(rows)
        label, rationale = (
            masked_rows([pair[at] for pair in pairs], tokenizer, max_length) for at in range(len(TASKS))
        )
        return [both(*pair) for pair in zip(label, rationale, strict=True)]

    def sizes(self, row: Row) -> tuple[int, int]:
        """Tokens of both, and how many of them carry loss."""
        each = [super(StepByStep, self).sizes(part) for part in parts(row).values()]
        return sum(n for n, _ in each), sum(n for _, n in each)

    def trainer(self, materials: Materials) -> Any:
        """TRL's `SFTTrainer`, twice over a batch."""
        return two_tasks(materials, self.alpha)


def step_by_step(*, alpha: float = 0.5) -> StepByStep:
    """Learn rows of the styles "label" and "rationale"; both of an example are in one update.

    `batch_size` of the recipe counts examples. The loss of an update is alpha times the mean over the tokens of its labels plus
    1 - alpha times the mean over those of its rationales; a weight of a row counts among the rows of its task.

    Args:
        alpha: share of the label; 0.5 in the authors' repository.

    Raises:
        StudentError: alpha is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise StudentError(
            f"alpha={alpha} would leave one of the two tasks out; give a number between 0 and 1, or train with the objective sft."
        )
    return StepByStep(alpha)


def _pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The label row and the rationale row of each example: of one problem, the one after the other.

    Raises:
        DatasetError: a row is of another style, or an example lacks one of its two.
    """
    if others := [row.get("style") for row in rows if row.get("style") not in TASKS]:
        raise DatasetError(
            f"{len(others)} of {len(rows)} rows are of neither style label nor rationale (the first: {others[0]!r}). "
            "Harvest with the rendering step_by_step."
        )
    waiting: dict[Any, Row] = {}
    found: list[tuple[Row, Row]] = []
    lack = dict.fromkeys(TASKS, 0)
    for row in rows:
        label = waiting.pop(row.get("problem"), None)
        if row["style"] == "label":
            waiting[row.get("problem")] = row
            lack["rationale"] += label is not None
        elif label is None:
            lack["label"] += 1
        else:
            found.append((label, row))
    lack["rationale"] += len(waiting)
    if any(lack.values()):
        told = " and ".join(f"{n} have no {task}" for task, n in lack.items() if n)
        raise DatasetError(
            f"Of {len(found) + sum(lack.values())} examples {told} row, and both are learnt in one update: none is left out in silence. "
            "Drop examples without reasoning when you harvest, or train with the objective sft."
        )
    return found
