"""Keep a problem whose answer survives a change that must not matter (Yu et al., 2407.06023, section 3: consistency under
input perturbation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from langdistill.answers import same
from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.groups import Group, answers_of, question_text
from langdistill.perturbations.perturbing import Perturbation
from langdistill.records import Verdict
from langdistill.votes import Vote, vote


@dataclass(frozen=True)
class StableUnder(Filter):
    """See `stable_under`."""

    perturbations: tuple[Perturbation, ...]

    def __call__(self, group: Group) -> Verdict:
        """Compare the majority with that of every changed question, mapped back."""
        outcome = vote(group.answers)
        original = outcome.answer
        if original is None:
            return self.says(False, _no_majority(outcome))
        evidence: dict[str, str | None] = {"original": original}
        for family in self.perturbations:
            if family.name not in group.variants:
                return self.says(None, "no-variant", evidence=evidence | {"missing": family.name})
            answers = mapped_back(group, family)
            if answers is None:
                return self.says(None, "no-inverse", evidence=evidence | {"perturbation": family.name})
            outcome = vote(answers)
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
            judge, and so where an answer cannot be mapped back, "no-inverse").

    Raises:
        DatasetError: no family was given, or something that is none.
    """
    if not perturbations:
        raise DatasetError("stable_under() needs at least one perturbation; without one every answer would pass.")
    given = cast("tuple[Any, ...]", perturbations)
    if strange := [one for one in given if not isinstance(one, Perturbation)]:
        raise DatasetError(
            f"stable_under() got {strange[0]!r}, which is no perturbation. Give the families one by one: "
            "stable_under(swapped(), case_and_space())."
        )
    return StableUnder(perturbations)


def mapped_back(group: Group, family: Perturbation) -> list[str | None] | None:
    """The answers to a family's changed questions as answers to the original one; `None` where one cannot be mapped back.

    Each is mapped back by the question that its own run was asked, so that several draws of one family may be mixed.
    """
    original = question_text(group.originals[0])
    found: list[str | None] = []
    for trace in group.variants[family.name]:
        changed = question_text(trace)
        for answer in answers_of([trace], group.extract):
            back = None if answer is None else family.invert(answer, original, changed)
            if answer is not None and back is None:
                return None
            found.append(back)
    return found


def _no_majority(outcome: Vote) -> str:
    return "tied" if outcome.tied else "no-answer"
