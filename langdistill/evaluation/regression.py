"""Whether a training made a model worse at what it could do before: the alarm on a regression set.

On BIG-Bench Hard a student falls steadily as it rises on its task (Fu et al., 2301.12726), so the set is asked before and after.
"""

from __future__ import annotations

from math import sqrt

from langdistill.evaluation.evaluate import Evaluation
from langdistill.evaluation.metrics import wilson
from langdistill.records import Record


class Alarm(Record):
    """A fall on the regression set."""

    before: float
    """Accuracy, as is `after`."""
    after: float
    n: int
    """Questions."""
    tolerance: float

    def __str__(self) -> str:
        return f"The regression set fell from {self.before:.1%} to {self.after:.1%} of {self.n} questions, by more than {self.tolerance:.1%}."


def alarm(before: Evaluation, after: Evaluation, *, tolerance: float = 0.02, confidence: float = 0.95) -> Alarm | None:
    """An alarm where accuracy fell by more than the tolerance, and chance alone would rarely make it fall at all.

    Args:
        before: the regression set asked before the training.
        after: the same after it.
        tolerance: a fall up to this is accepted.
        confidence: of the interval of the difference (Newcombe, 1998, method 10), which must not hold 0.
    """
    fall = before.accuracy - after.accuracy
    low, high = (
        wilson(before.right, before.n, confidence=confidence)[0],
        wilson(after.right, after.n, confidence=confidence)[1],
    )
    least = fall - sqrt((before.accuracy - low) ** 2 + (high - after.accuracy) ** 2)
    if fall <= tolerance or least <= 0:
        return None
    return Alarm(before=before.accuracy, after=after.accuracy, n=after.n, tolerance=tolerance)
