"""Whether a model forgot what it could do before: the alarm on a set of general tasks, asked before and after a training.

Fu et al. (2301.12726) find that BBH falls as GSM8K rises, and choose the checkpoint by both.
"""

from __future__ import annotations

from langdistill.evaluation.comparing import change, check_paired
from langdistill.evaluation.results import Evaluation
from langdistill.evaluation.significance import fell
from langdistill.records import Record


class Alarm(Record):
    """A regression set on which a model fell."""

    n: int
    """Problems."""
    before: float
    after: float
    """Accuracy before and after."""
    lost: tuple[str, ...]
    """Ids of the problems right before and wrong after."""
    gained: tuple[str, ...]
    """Ids of those wrong before and right after."""
    p_value: float
    """One-sided, by McNemar's exact test."""
    tolerance: float
    confidence: float

    def __str__(self) -> str:
        return (
            f"General tasks fell from {self.before:.1%} to {self.after:.1%} on {self.n} problems: {len(self.lost)} went from "
            f"right to wrong and {len(self.gained)} from wrong to right (one-sided p = {self.p_value:.2g}; a fall of up to "
            f"{self.tolerance:.1%} is tolerated). Train for fewer steps or at a lower rate, mix in general data, or take an "
            "earlier checkpoint."
        )


def alarm(before: Evaluation, after: Evaluation, *, tolerance: float = 0.02, confidence: float = 0.95) -> Alarm | None:
    """An alarm where the accuracy fell by more than the tolerance, and by more than chance explains; else `None`.

    Both must hold. Chance: McNemar's one-sided exact test on the problems whose grade changed, at 1 - confidence. A set too small to
    tell gives no alarm: at 0.95 it takes five problems lost against none gained, so that of 100 problems a fall below 5 points is
    never seen; of 1,000, one of 2.1 points is where no more than 147 change their grade (84 lost, 63 gained).

    Args:
        before: the regression set, by the model before the training.
        after: the same problems, by the model after it.
        tolerance: fall of the accuracy that is accepted; 0.02 is two points.
        confidence: that it is no chance.

    Raises:
        EvaluationError: the two are on different problems.
    """
    check_paired(before, after)
    changed = change(before, after, list(before.results))
    p_value = fell(len(changed.lost), len(changed.gained))
    if len(changed.lost) - len(changed.gained) <= tolerance * changed.n or p_value > 1 - confidence:
        return None
    return Alarm(
        n=changed.n,
        before=changed.before,
        after=changed.after,
        lost=changed.lost,
        gained=changed.gained,
        p_value=p_value,
        tolerance=tolerance,
        confidence=confidence,
    )
