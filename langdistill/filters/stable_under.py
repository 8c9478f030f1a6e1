"""Keep a problem whose answer survives a change that must not matter (Yu et al., 2407.06023, section 3: consistency under
input perturbation).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from langdistill.answers import same
from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.groups import Group
from langdistill.records import Verdict
from langdistill.votes import vote


def unchanged(answer: str) -> str:
    """The inverse map of a perturbation that leaves the answer as it is."""
    return answer


@dataclass(frozen=True)
class Perturbation:
    """A family of changes to a question that leave its meaning alone."""

    name: str
    """Goes into `Problem.perturbation` and the trace's metadata: "reworded", "swapped"."""
    apply: Callable[[str, Random], str]
    """The question, changed; the same question and generator state give the same change."""
    invert: Callable[[str], str] = unchanged
    """Maps an answer to the changed question back to one of the original: "A" to "B" where responses were swapped."""


@dataclass(frozen=True)
class StableUnder(Filter):
    """See `stable_under`."""

    perturbations: tuple[Perturbation, ...]

    def __call__(self, group: Group) -> Verdict:
        """Compare the majority with that of every changed question, mapped back."""
        original = vote(group.answers).answer
        if original is None:
            return self.says(False, "tied")
        evidence: dict[str, str | None] = {"original": original}
        for family in self.perturbations:
            answers = group.variant_answers(family.name)
            if answers is None:
                return self.says(None, "no-variant", evidence=evidence | {"missing": family.name})
            outcome = vote([None if answer is None else family.invert(answer) for answer in answers])
            changed = evidence[family.name] = outcome.answer
            if outcome.tied:
                return self.says(False, "tied", evidence=evidence)
            if not same(original, changed):
                return self.says(False, "unstable", evidence=evidence)
        return self.says(True, "stable", evidence=evidence)


def stable_under(*perturbations: Perturbation) -> StableUnder:
    """Keep where the majority answer to every changed question, mapped back, is that to the original one.

    Args:
        perturbations: the families; each problem must have been asked under all of them ("no-variant" otherwise: cannot
            judge).

    Raises:
        DatasetError: no family was given.
    """
    if not perturbations:
        raise DatasetError("stable_under() needs at least one perturbation; without one every answer would pass.")
    return StableUnder(perturbations)
