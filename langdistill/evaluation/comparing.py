"""Two runs on the same problems, problem by problem: what the one lost and gained against the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from langdistill.errors import EvaluationError
from langdistill.evaluation.results import Evaluation
from langdistill.evaluation.significance import bootstrap_difference, mcnemar_corrected, mcnemar_exact
from langdistill.records import Record


class Change(NamedTuple):
    """What changed from the one run to the other, in all problems or in a category."""

    n: int
    both: int
    """Problems that both got right."""
    lost: tuple[str, ...]
    """Ids of the problems that the one got right and the other did not: right to wrong."""
    gained: tuple[str, ...]
    """Ids of those that the other alone got right: wrong to right."""

    @property
    def before(self) -> float:
        """Accuracy of the one."""
        return (self.both + len(self.lost)) / self.n

    @property
    def after(self) -> float:
        """Accuracy of the other."""
        return (self.both + len(self.gained)) / self.n

    @property
    def difference(self) -> float:
        """Accuracy of the other minus that of the one."""
        return (len(self.gained) - len(self.lost)) / self.n

    @property
    def p_value(self) -> float:
        """Two-sided, by McNemar's exact test."""
        return mcnemar_exact(len(self.lost), len(self.gained))

    @property
    def p_value_corrected(self) -> float:
        """Two-sided, by McNemar's chi-squared test with continuity correction: for 25 and more changed problems."""
        return mcnemar_corrected(len(self.lost), len(self.gained))


class Comparison(Record):
    """The other run against the one."""

    one: str
    """Name of who was asked first: what it is compared with."""
    other: str
    """Name of who is compared."""
    change: Change
    categories: dict[str, Change]
    """By name; each is a test of its own, and of twenty one is below 0.05 by chance."""
    interval: tuple[float, float]
    """Of the difference of the accuracies, by the paired bootstrap over problems."""
    confidence: float
    resamples: int
    seed: int

    @property
    def difference(self) -> float:
        """Accuracy of the other minus that of the one."""
        return self.change.difference

    @property
    def p_value(self) -> float:
        """Two-sided, by McNemar's exact test."""
        return self.change.p_value

    @property
    def lost(self) -> tuple[str, ...]:
        """Ids of the problems that the one got right and the other did not."""
        return self.change.lost

    @property
    def gained(self) -> tuple[str, ...]:
        """Ids of those that the other alone got right."""
        return self.change.gained


def compare(
    one: Evaluation, other: Evaluation, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Comparison:
    """What the other run lost and gained against the one, problem by problem.

    The answer to a problem is that of most of its samples, in either run; they may have taken different numbers of them.

    Args:
        one: what is compared with: a teacher, a base, the student before.
        other: what is compared.
        confidence: of the bootstrap interval.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        EvaluationError: they are on different problems, or a question or its right answer is another one.
    """
    check_paired(one, other)
    ids = list(one.results)
    groups: dict[str, list[str]] = {}
    for id, graded in one.results.items():
        if graded.category is not None:
            groups.setdefault(graded.category, []).append(id)
    grades = [(one.results[id].is_right, other.results[id].is_right) for id in ids]
    differences = [after - before for before, after in grades]
    return Comparison(
        one=one.name,
        other=other.name,
        change=change(one, other, ids),
        categories={name: change(one, other, groups[name]) for name in sorted(groups)},
        interval=bootstrap_difference(differences, confidence=confidence, resamples=resamples, seed=seed),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )


def change(one: Evaluation, other: Evaluation, ids: Sequence[str]) -> Change:
    """What changed in some of the problems, at least one."""
    grades = {id: (one.results[id].is_right, other.results[id].is_right) for id in ids}
    return Change(
        n=len(ids),
        both=sum(before and after for before, after in grades.values()),
        lost=tuple(id for id, (before, after) in grades.items() if before and not after),
        gained=tuple(id for id, (before, after) in grades.items() if after and not before),
    )


def check_paired(one: Evaluation, other: Evaluation) -> None:
    """Refuse two runs that were not asked the same.

    Raises:
        EvaluationError: says which problems differ.
    """
    if apart := sorted(one.results.keys() ^ other.results.keys()):
        raise EvaluationError(
            f"The two runs are on different problems: {len(apart)} of them are in one run only, such as {apart[:3]}. "
            "Evaluate both on the same ones."
        )
    changed = [id for id, graded in one.results.items() if graded.asked != other.results[id].asked]
    if changed:
        raise EvaluationError(
            f"{len(changed)} problems have another question or right answer in the second run, such as {changed[:3]}. "
            "Evaluate both on the same ones."
        )
