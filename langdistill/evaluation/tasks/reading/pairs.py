"""Pairs of answers for a judge, each in both orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

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


def in_both_orders(task: TaskSet, shown_swapped: Mapping[str, str] | None = None) -> TaskSet:
    """The task with each problem's twin behind it: the same id, and the answers in the other order.

    Args:
        task: whose problems are pairs.
        shown_swapped: problem id to the twin's question, where it was recorded; else the perturbation `swapped` makes it.
    """
    perturbation = swapped()

    def twin(problem: Problem) -> Problem:
        if shown_swapped is None:
            return perturbation.problem(problem)
        return Problem(id=problem.id, question=shown_swapped[problem.id], perturbation=perturbation.name)

    return replace(task, problems=[one for problem in task.problems for one in (problem, twin(problem))])
