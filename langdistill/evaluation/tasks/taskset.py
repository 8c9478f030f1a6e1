"""What a task is: problems and their right answers, apart from one another, and how a reply is read and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from langdistill.answers import Extract
from langdistill.records import Problem


@dataclass(frozen=True)
class TaskSet:
    """One task of a file: what to ask, and how to grade it. Made by a function that `find_task` finds.

    A task whose problems are pairs for a judge holds each problem twice: in the order of its file, and in the other order as its
    twin of the same id, with `Problem.perturbation` "swapped". The gold verdict is that of the original order; what an answer
    to the twin says of it, `langdistill.perturbations.swapped` tells.
    """

    name: str
    """Of the task, with what was chosen of it: "gsm8k", "bbh/navigate"."""
    problems: list[Problem]
    """In the order of the file."""
    gold: dict[str, str] = field(repr=False)
    """Problem id to the right answer, in the spelling of `extract`."""
    categories: dict[str, str] = field(repr=False)
    """Problem id to its category; empty where the task has none."""
    extract: Extract
    """Reads the answer out of a reply."""
    equal: Callable[[str | None, str], bool]
    """Whether an answer that was read, or `None`, means the gold one."""
    prompt: str
    """Template with ``{question}``."""
