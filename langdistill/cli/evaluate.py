"""`langdistill evaluate`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import TaskID

from langdistill.cli.options import bars

if TYPE_CHECKING:
    from langdistill.evaluation.tasks.taskset import TaskSet


def evaluate(
    student: Annotated[
        str, typer.Argument(help="Folder of a student or of a model; lab; or a model such as openai:gpt-4.1.")
    ],
    task: Annotated[
        str | None, typer.Option(help="A lab task, or a published one: letters, gsm8k, 'bbh(subtask=\"navigate\")'.")
    ] = None,
    problems: Annotated[
        Path | None,
        typer.Option(help="A file of your own: lines of JSON with id, question, answer and, maybe, category."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="File or folder of a published task; by default of its name in $LANGDISTILL_DATA."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="What to compare with; by default the base of the student.", show_default=False)
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Compare with nothing.")] = False,
    samples: Annotated[int, typer.Option(help="Answers to a problem, of which the majority counts.")] = 1,
    temperature: Annotated[
        float | None, typer.Option(help="Of the sampling; 0.7 where there are several samples.", show_default=False)
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Most tokens of a reply; the model's own where it is not given.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Template with {question}, instead of the task's own.", show_default=False)
    ] = None,
    extract: Annotated[
        str, typer.Option(help="How --problems are read: final_answer, number, choice, yes_no, ...")
    ] = "final_answer",
    limit: Annotated[
        int | None, typer.Option(help="Most problems, drawn by --seed; 300 of a lab task.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the problems that are drawn, and of the bootstrap.")] = 0,
    price: Annotated[
        list[str] | None, typer.Option(help="MODEL=INPUT,OUTPUT per million tokens; may be repeated.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="File of an HTML report.")] = None,
    out: Annotated[
        Path, typer.Option(help="Folder where runs are kept: the same command goes on where it stopped.")
    ] = Path("runs/evaluate"),
    concurrency: Annotated[
        int | None, typer.Option(help="Problems under way at once; 32, of a model in this process 256.")
    ] = None,
    card: Annotated[bool, typer.Option(help="Put what was found on the student's card.")] = True,
) -> None:
    """Measure a student beside its base or another model, and tell where they differ."""
    from langdistill.cli.options import model_folder
    from langdistill.evaluation.evaluation_report import sentence, tables, write_evaluation_report
    from langdistill.evaluation.pairing import Settings, measure_both
    from langdistill.versions import installed

    chosen = _drawn(_asked(task, problems, data, extract, limit, seed), limit, seed)
    settings = Settings(
        samples=samples,
        temperature=0.7 if temperature is None and samples > 1 else temperature,
        max_tokens=max_tokens,
        prompt=prompt,
        prices=dict(map(price_of, price or [])),
        concurrency=concurrency,
        seed=seed,
    )
    with bars() as shown:
        known: dict[str, TaskID] = {}

        def progress(name: str, done: int, of: int) -> None:
            if name not in known:
                known[name] = shown.add_task(name, total=of)
            shown.update(known[name], completed=done)

        found = measure_both(
            model_folder(student),
            None if alone or against is None else model_folder(against),
            chosen,
            settings,
            out,
            alone=alone,
            progress=progress,
        )
    console = Console()
    for shown_table in tables(found.runs, found.comparison, found.judges):
        console.print(shown_table)
    if found.comparison:
        console.print(sentence(found.comparison), markup=False, highlight=False)
    for run in found.runs:
        if run.errors:
            first = next(iter(run.errors.values()))
            console.print(
                f"Warning: {len(run.errors)} of {run.n} problems had an error ({run.name}): {first}", markup=False
            )
    if card and found.student:
        found.student.measured(chosen.name, found.measurement)
    if report:
        command = shlex.join(["langdistill", *sys.argv[1:]])
        told = installed("langdistill", "langchain-core", "torch", "transformers")
        write_evaluation_report(
            found.runs, chosen, report, comparison=found.comparison, judges=found.judges, command=command, versions=told
        )
        console.print(f"Report: {report}", markup=False)


def _asked(
    task: str | None, problems: Path | None, data: Path | None, extract: str, limit: int | None, seed: int
) -> TaskSet:
    """What was asked for: exactly one of a task and a file."""
    import langdistill.answers as answers
    from langdistill.answers import final_answer, same
    from langdistill.errors import UnknownName
    from langdistill.evaluation.problems import read_problems
    from langdistill.evaluation.tasks.taskset import TaskSet
    from langdistill.lab.tasks import TASKS

    if (task is None) == (problems is None):
        raise typer.BadParameter("Give one of --task NAME and --problems FILE.")
    if problems is not None:
        readers = ("final_answer", "number", "choice", "yes_no", "verdict", "letters", "json_answer", "code_block",
                   "free_text", "maths")  # fmt: skip
        if extract not in readers:
            raise UnknownName("reader of answers", extract, readers)
        return read_problems(problems, extract=getattr(answers, extract))
    assert task is not None
    if task in TASKS:
        draw = TASKS[task].draw(limit or 300, seed=seed, pool="final")
        return TaskSet(task, draw.problems, draw.gold, {}, final_answer, same, "{question}")
    return _published(task, data)


def _published(task: str, data: Path | None) -> TaskSet:
    """A published task from its files."""
    from functools import partial

    from langdistill.cli.specs import spelt
    from langdistill.errors import UnknownName
    from langdistill.evaluation.tasks.finding import find_task, task_names
    from langdistill.lab.tasks import TASKS

    def find(name: str) -> object:
        if name not in task_names():
            raise UnknownName("task", name, [*TASKS, *task_names()])
        return partial(find_task(name), _place(name, data))

    return spelt(task, find)


def _place(name: str, data: Path | None) -> Path:
    if data is not None:
        return data
    root = os.environ.get("LANGDISTILL_DATA")
    if not root:
        raise typer.BadParameter(f"Where are the files of {name!r}? Give --data PATH, or set LANGDISTILL_DATA.")
    return Path(root) / name if (Path(root) / name).exists() else Path(root)


def _drawn(task: TaskSet, limit: int | None, seed: int) -> TaskSet:
    """As many of the problems as were asked for, always the same of a seed, with the other order of each that has one."""
    from dataclasses import replace
    from random import Random

    ids = list(dict.fromkeys(problem.id for problem in task.problems))
    if limit is None or limit >= len(ids):
        return task
    if limit < 1:
        raise typer.BadParameter(f"--limit {limit} leaves no problem.")
    kept = set(Random(seed).sample(ids, limit))
    return replace(task, problems=[problem for problem in task.problems if problem.id in kept])


def price_of(text: str) -> tuple[str, tuple[float, float]]:
    """Model and price of an option such as ``gpt-4.1=2,8``."""
    try:
        model, _, amounts = text.rpartition("=")
        read, made = (float(amount) for amount in amounts.split(","))
    except ValueError:
        model, read, made = "", 0.0, 0.0
    if not model:
        raise typer.BadParameter(
            f"{text!r} is no price. Write it as gpt-4.1=2,8: money per million tokens read and generated."
        )
    return model, (read, made)
