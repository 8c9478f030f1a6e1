"""`langdistill evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def evaluate(
    student: Annotated[Path, typer.Argument(help="Folder that `langdistill train` wrote.")],
    task: Annotated[str, typer.Option(help="A lab task: letters, coin, opinion, judging or arithmetic.")],
    test: Annotated[int, typer.Option(help="Final questions to measure on.")] = 300,
) -> None:
    """Measure a student beside its base on questions of a lab task."""
    from langdistill.evaluation.evaluate import evaluate as measure
    from langdistill.evaluation.report import table
    from langdistill.lab.demo import summary
    from langdistill.lab.tasks import task as find_task
    from langdistill.students.card import load_student
    from langdistill.students.local import LocalChatModel

    draw = find_task(task).draw(test, seed=0, pool="final")
    loaded = load_student(student)
    models = {"system1": LocalChatModel(model=loaded.model), "distilled": loaded}
    arms = {arm: summary([measure(model, draw.problems, draw.gold)]) for arm, model in models.items()}
    Console().print(table({task: {"arms": arms}}))
