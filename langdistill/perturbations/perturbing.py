"""What a perturbation is: a family of changes to a question, each with a way back from its answer.

The way back is a function of the answer and of both questions, the original and the changed one. Traces hold both, so nothing
about how a change was drawn has to be kept, and a variant that was asked under another seed, or by somebody else, is mapped back
as well. Source: Yu et al., 2407.06023, section 3 (self-consistency under input perturbation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from langdistill.errors import AnswerError
from langdistill.records import Problem

Apply = Callable[[str, Random], str]
"""The question, changed; the same question and generator state give the same change. Raises `AnswerError` where the family
cannot change it."""

Invert = Callable[[str, str, str], "str | None"]
"""From an answer to the changed question, the original question and the changed one to what the answer says of the original one;
`None` where the one question is no such change of the other."""

TRIES = 20
"""How often a draw may come back as the question itself before another way is taken."""


def unchanged(answer: str, original: str, changed: str) -> str:
    """The way back of a perturbation that leaves the answer as it is."""
    return answer


@dataclass(frozen=True)
class Perturbation:
    """A family of changes to a question that leave its meaning alone."""

    name: str
    """Goes into `Problem.perturbation` and the trace's metadata: "reworded", "swapped"."""
    apply: Apply
    invert: Invert = unchanged
    """Maps an answer back: "A" to "B" where responses were swapped."""

    def problem(self, problem: Problem, seed: int = 0) -> Problem:
        """The problem with its question changed, to be asked beside the original.

        Args:
            problem: the original one.
            seed: with the problem's id it decides which change is drawn.

        Raises:
            AnswerError: the family cannot change this question.
        """
        question = self.apply(problem.question, self.generator(problem, seed))
        return Problem(id=problem.id, question=question, perturbation=self.name)

    def problems(self, problems: Iterable[Problem], seed: int = 0) -> list[Problem]:
        """The same for all that can be changed; the others are left out, and a harvest counts them as "no-variant"."""
        changed: list[Problem] = []
        for one in problems:
            try:
                changed.append(self.problem(one, seed))
            except AnswerError:
                continue
        return changed

    @staticmethod
    def generator(problem: Problem, seed: int) -> Random:
        """What a change is drawn with."""
        return Random(f"{seed}-{problem.id}")
