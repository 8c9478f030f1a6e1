"""What `langdistill train` prints: a plan, what a pilot found, the student."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from langdistill.cli.dataset.preview import drawn
from langdistill.cli.options import Format, print_json

if TYPE_CHECKING:
    from langdistill.students.card import Student
    from langdistill.students.pilot import PilotReport
    from langdistill.students.train.memory import Memory
    from langdistill.students.train.plan import Plan


def print_plan(console: Console, plan: Plan) -> None:
    """The plan as a table, then the rows with what is trained of them marked."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, told in _lines(plan):
        table.add_row(name, told)
    console.print(table)
    for at, pieces in enumerate(plan.mask):
        trained = sum(one.tokens for one in pieces if one.trained)
        total = sum(one.tokens for one in pieces)
        console.print(Text(f"── row {at}: {trained} of {total} tokens carry loss", style="bold"))
        marked = [(one.text, one.trained) for one in pieces]
        console.print(drawn([*marked, ("\n", False)], coloured=console.color_system is not None))


def _lines(plan: Plan) -> list[tuple[str, str]]:
    tokens, share = plan.tokens, plan.tokens.trained / plan.tokens.total
    time = "not measured; --measure makes a few updates"
    if plan.seconds is not None:
        time = f"{timedelta(seconds=round(plan.seconds))} at {plan.tokens_per_second:,.0f} tokens/s"
    return [
        ("data set", f"{plan.dataset}, hash {plan.dataset_hash[:12]}"),
        ("base", plan.base),
        ("student", plan.student),
        ("objective", plan.objective),
        ("rows", f"{plan.rows:,} to train on, {plan.validation_rows:,} to validate"),
        ("tokens", f"{tokens.total:,}, of which {tokens.trained:,} ({share:.0%}) carry loss"),
        ("tokens per row", f"median {tokens.median:,}, 95 % up to {tokens.p95:,}, longest {tokens.longest:,}"),
        ("steps", f"{plan.steps:,} on {plan.devices} device{'s' * (plan.devices > 1)}, {plan.epochs:g} epochs"),
        ("padding", f"{plan.padding:.1%} of a batch"),
        ("parameters", f"{plan.trained_parameters:,} trained of {plan.parameters:,}"),
        ("memory", _memory(plan.memory)),
        ("time", time),
    ]


def _memory(memory: Memory) -> str:
    parts = ", ".join(f"{name} {_bytes(value)}" for name, value in memory.model_dump().items())
    return f"about {_bytes(memory.total)}: {parts}"


def _bytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def print_pilot(console: Console, report: PilotReport) -> None:
    """What the pilot found, and what it recommends."""
    said = [
        f"teacher's answer on {report.base_agreement:.0%} of {report.n} held-out rows before, {report.student_agreement:.0%} after"
    ]
    if report.reasoning_agreement is not None:
        said.append(f"{report.reasoning_agreement:.0%} of {report.reasoning_n} where the reasoning was taught, too")
    if report.regression:
        said.append("regression set {:.0%} before, {:.0%} after".format(*report.regression))
    console.print(f"pilot: {'; '.join(said)}. Recommendation: {report.recommendation}.", markup=False)
    if report.warning:
        console.print(Text(f"Warning: {report.warning}", style="bold yellow"))


def print_student(student: Student, format: Format) -> None:
    """Where it is; where several processes trained it, one tells."""
    from langdistill.students.train.ranks import ranks

    if not ranks().main:
        return
    if format is Format.json:
        print_json({"folder": str(student.folder), **student.model_dump()})
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"Student in {student.folder}: base {student.base}, data set {student.dataset_hash[:12]}", markup=False
    )
    if chosen := student.measurements.get("checkpoints"):
        console.print(
            f"Chosen: the checkpoint of step {chosen['chosen']} of {len(chosen['figures']) - 1} measured.", markup=False
        )
        if chosen["base_is_better"]:
            console.print(
                Text(
                    "Warning: every checkpoint fell on the regression set, so the base is better.", style="bold yellow"
                )
            )
