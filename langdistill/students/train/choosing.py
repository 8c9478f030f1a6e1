"""Which checkpoint becomes the student: chosen on the task and on the regression set, while the training runs.

The rule, after Fu et al. (2301.12726), who saw general ability fall as the task rose: of the checkpoints that do not fall on the
regression set, the best on the task; of equally good ones the earliest. A fall is what `langdistill.evaluation.regression.alarm`
says. Best on the task is the highest agreement with the teacher's short answers on validation rows, then the lowest loss on them.
Where every checkpoint falls the base is better, and that is told; the best on the task is the student all the same, so that nothing
is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langdistill.errors import DatasetError, StudentError
from langdistill.records import Record, digest
from langdistill.students.regression import RegressionSet
from langdistill.students.train.job import Job


@dataclass(frozen=True)
class Choice:
    """What a checkpoint is chosen by; every objective has at least the loss on validation rows."""

    regression: RegressionSet | None = None
    """General questions, where the objective's students give text."""
    tolerance: float = 0.02
    """How far a checkpoint may fall on them; a share."""
    confidence: float = 0.95
    """How sure a fall must be to count."""
    rows: int = 200
    """Most validation rows whose answers are compared; the loss is of all."""

    @property
    def digest(self) -> str:
        """What decides the choice."""
        asked = self.regression.digest if self.regression else ""
        return digest(asked, [self.tolerance, self.confidence, self.rows])

    def check(self, job: Job) -> None:
        """Refuse what has nothing to be chosen by.

        Raises:
            DatasetError: there are neither validation rows nor a regression set.
            StudentError: the student gives no text that questions could be asked for.
        """
        if not job.validation and not self.regression:
            raise DatasetError(
                f"There is nothing to choose a checkpoint by: the data set {str(job.dataset)!r} has no validation rows, and no "
                "regression set is given. Harvest with --validation 0.1, give one, or train without choosing."
            )
        if self.regression and job.objective.head != "text":
            raise StudentError(
                f"A student of {job.objective.name} gives {job.objective.head}, no text: it cannot be asked the regression set. "
                "Leave it out; validation rows alone decide then."
            )


class Figures(Record):
    """What was measured of one checkpoint; step 0 is what the training began with."""

    step: int
    loss: float | None = None
    """Mean on the validation rows."""
    agreement: float | None = None
    """Share of the validation rows on which the greedy reply ends in the teacher's answer."""
    rows: int = 0
    """Validation rows that the agreement is of."""
    regression: float | None = None
    """Accuracy on the regression set."""
    fell: str | None = None
    """What the alarm says, where it fell on the regression set."""

    @property
    def on_the_task(self) -> tuple[float, float]:
        """Higher is better: agreement first, then the loss, lower being better."""
        return self.agreement or 0.0, -(self.loss if self.loss is not None else 0.0)


def best(figures: Sequence[Figures]) -> Figures | None:
    """The checkpoint that the rule names; `None` where all fall on the regression set, or there is none."""
    return best_on_the_task([one for one in figures if not one.fell])


def best_on_the_task(figures: Sequence[Figures]) -> Figures | None:
    """The best on the task alone, of the checkpoints; what the training began with is none."""
    checkpoints = sorted((one for one in figures if one.step > 0), key=lambda one: one.step)
    return max(checkpoints, key=lambda one: one.on_the_task, default=None)
