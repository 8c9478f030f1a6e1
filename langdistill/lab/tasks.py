"""The lab's tasks, found by name."""

from __future__ import annotations

from langdistill.errors import UnknownName
from langdistill.lab import arithmetic, coin, judging, letters, opinion
from langdistill.lab.draws import Task

TASKS = {task.name: task for task in (letters.TASK, coin.TASK, opinion.TASK, judging.TASK, arithmetic.TASK)}


def task(name: str) -> Task:
    """The task of a name: "letters", "coin", "opinion", "judging" or "arithmetic".

    Raises:
        UnknownName: there is no such task.
    """
    if name not in TASKS:
        raise UnknownName("task", name, TASKS)
    return TASKS[name]
