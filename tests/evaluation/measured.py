"""Problems and measurements that several tests here need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langdistill.evaluation.results import Account, Evaluation, Graded
from langdistill.records import Problem, digest


def sums(n: int) -> tuple[list[Problem], dict[str, str]]:
    """n sums and their right answers."""
    problems = [Problem(id=f"sum-{at}", question=f"What is {at} + {at}?") for at in range(n)]
    return problems, {f"sum-{at}": str(2 * at) for at in range(n)}


def measured(
    grades: Sequence[bool], *, name: str = "model", categories: Mapping[str, str] | None = None, tokens: int = 3
) -> Evaluation:
    """A run in which problem "p0", "p1", ... got these grades, with one sample each."""
    results = {
        f"p{at}": Graded(
            asked=digest(f"p{at}")[:16],
            answers=["yes" if right else "no"],
            right=[right],
            category=(categories or {}).get(f"p{at}"),
            accounts={name: Account(completions=1, input_tokens=10, output_tokens=tokens)},
        )
        for at, right in enumerate(grades)
    }
    return Evaluation(name=name, results=results, seconds=1.0)
