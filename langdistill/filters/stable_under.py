"""Keep a problem whose answer survives a change that must not matter (Yu et al., 2407.06023, section 3: consistency under
input perturbation).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from langdistill.answers import same
from langdistill.errors import DatasetError
from langdistill.filters.judged import Judged
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
class StableUnder:
    """See `stable_under`."""

    perturbations: tuple[Perturbation, ...]

    name = "stable_under"

    @property
    def params(self) -> dict[str, Any]:
        """The families, by name."""
        return {"perturbations": [family.name for family in self.perturbations]}

    def __call__(self, group: Judged) -> Verdict:
        """Compare the majority with that of every changed question, mapped back."""
        original = vote(group.answers).answer
        if original is None:
            return self._says(False, "tied", {})
        evidence: dict[str, Any] = {"original": original}
        for family in self.perturbations:
            answers = group.variant_answers(family.name)
            if answers is None:
                return self._says(None, "no-variant", evidence | {"missing": family.name})
            outcome = vote([None if answer is None else family.invert(answer) for answer in answers])
            changed = evidence[family.name] = outcome.answer
            if outcome.tied:
                return self._says(False, "tied", evidence)
            if not same(original, changed):
                return self._says(False, "unstable", evidence)
        return self._says(True, "stable", evidence)

    def _says(self, keep: bool | None, reason: str, evidence: dict[str, Any]) -> Verdict:
        return Verdict(filter=self.name, keep=keep, reason=reason, evidence=evidence)


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
