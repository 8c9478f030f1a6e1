"""Pairs of answers for a judge, each in both orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from langdistill.answers import verdict
from langdistill.evaluation.tasks.reading.making import Item, task_of
from langdistill.evaluation.tasks.reading.rows import Row
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.perturbations.swapped import swapped
from langdistill.records import Problem

PROMPT = (
    "Two assistants, A and B, answered a user. Compare how helpful, relevant, correct, deep and detailed their answers are. Neither "
    "the order in which they stand, nor their length, nor the assistants' names may matter. Explain your comparison in short, "
    'and end with one line that is your verdict: "[[A]]" where A is better, "[[B]]" where B is, "[[C]]" for a tie.\n\n{question}'
)
"""Pairwise comparison without a reference (Zheng et al., 2306.05685, section 3.1, own wording); `answers.verdict` reads the verdict."""


def pair(asked: str, answer_a: str, answer_b: str) -> str:
    """What a judge is shown, between the marks of FastChat, which `swapped` knows."""
    return (
        f"[User Question]\n{asked}\n\n"
        f"[The Start of Assistant A's Answer]\n{answer_a}\n[The End of Assistant A's Answer]\n\n"
        f"[The Start of Assistant B's Answer]\n{answer_b}\n[The End of Assistant B's Answer]"
    )


def in_both_orders(
    name: str,
    rows: Sequence[Row],
    item: Callable[[Row], Item],
    *,
    prompt: str,
    limit: int | None,
    seed: int | None,
    shown_swapped: Mapping[str, str] | None = None,
) -> TaskSet:
    """The task of a judge, whose right answers are verdicts; behind each pair its twin: the same id, the answers in the other order.

    Args:
        name: of the task.
        rows: all that make pairs.
        item: reads one.
        prompt: a template with ``{question}``.
        limit: how many pairs are taken; `None` for all.
        seed: which, as `chosen` draws them.
        shown_swapped: problem id to the twin's question, where it was recorded; else the perturbation `swapped` makes it.

    Raises:
        DatasetError: as `task_of`.
    """
    task = task_of(name, rows, item, extract=verdict, gold=str, prompt=prompt, limit=limit, seed=seed)
    perturbation = swapped()

    def twin(problem: Problem) -> Problem:
        if shown_swapped is None:
            return perturbation.problem(problem)
        return Problem(id=problem.id, question=shown_swapped[problem.id], perturbation=perturbation.name)

    return replace(task, problems=[one for problem in task.problems for one in (problem, twin(problem))])
