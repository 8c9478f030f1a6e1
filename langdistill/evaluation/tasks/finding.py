"""Find a task by its name, which is that of its file and of its function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.finding import found_named, names_in

PROTOCOL_FILES = {"finding", "taskset"}


def task_names() -> list[str]:
    """The tasks that there are."""
    return names_in(Path(__file__).parent, besides=PROTOCOL_FILES)


def find_task(name: str) -> Callable[..., TaskSet]:
    """The function that reads a task's file or folder: ``find_task("gsm8k")("data/gsm8k", limit=100, seed=0)``.

    Raises:
        UnknownName: there is no such task.
    """
    return found_named("task", name, "langdistill.evaluation.tasks", task_names())
