"""`langdistill train`."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from langdistill.cli.options import Format, FormatOption, model_folder, print_json
from langdistill.cli.specs import spelt
from langdistill.cli.train.printed import print_pilot, print_plan, print_student
from langdistill.cli.train.progress import shown

if TYPE_CHECKING:
    from langdistill.students.train.choosing import Choice
    from langdistill.students.train.job import Job
    from langdistill.students.train.recipe import Recipe
    from langdistill.students.train.recipe_file import RecipeFile
    from langdistill.students.train.training import Pilot

RECIPE = "Recipe"
"""Title of the options that change one."""


class Adapter(StrEnum):
    """What is trained."""

    lora = "lora"
    qlora = "qlora"
    full = "full"


class Schedule(StrEnum):
    """Of the learning rate."""

    cosine = "cosine"
    linear = "linear"
    constant = "constant"


class Precision(StrEnum):
    """Of the computation."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


def train(
    dataset: Annotated[
        str | None, typer.Argument(help="Folder that `langdistill harvest` wrote.", show_default=False)
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="The base model: its folder, its name on the hub, or lab; or a student, to train it on."),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder of the student's versions; the new one comes after those that are there.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A recipe file, TOML or JSON, that says all this; options change what it says."),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="What is learnt: sft, step_by_step(alpha=0.3), ... Written as in Python, in quotes."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the adapter's start and the order of rows.", show_default="0")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Tell what the training will take, and do not train.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="With --plan: make a few updates, to tell how long it takes.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="With --plan: write the recipe file of this training.")] = None,
    pilot: Annotated[bool, typer.Option("--pilot", help="Try a little first, and stop where that fails.")] = False,
    reasoning: Annotated[
        Path | None,
        typer.Option(help="For the pilot: a data set of the same questions with their reasoning, to compare with."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train even if the pilot speaks against it.")] = False,
    choose: Annotated[
        bool | None,
        typer.Option(
            "--choose/--no-choose", help="Choose the checkpoint by validation rows and, if given, the regression set."
        ),
    ] = None,
    regression: Annotated[
        str | None,
        typer.Option(
            help="JSON lines with `question` and maybe `answer`: what it shall not get worse at; for --choose and --pilot."
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="ordinary, miniature, pilot, or one of a paper; miniature by default for the embedded model.",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    adapter: Annotated[Adapter | None, typer.Option(help="What is trained.", rich_help_panel=RECIPE)] = None,
    rank: Annotated[int | None, typer.Option(help="Of the LoRA.", rich_help_panel=RECIPE)] = None,
    alpha: Annotated[int | None, typer.Option(help="Of the LoRA.", rich_help_panel=RECIPE)] = None,
    dropout: Annotated[float | None, typer.Option(help="Of the LoRA.", rich_help_panel=RECIPE)] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the schedule.", rich_help_panel=RECIPE)] = None,
    schedule: Annotated[Schedule | None, typer.Option(help="Of the learning rate.", rich_help_panel=RECIPE)] = None,
    warmup: Annotated[
        float | None, typer.Option(help="Share of the steps; from 1 on, steps.", rich_help_panel=RECIPE)
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of AdamW.", rich_help_panel=RECIPE)] = None,
    epochs: Annotated[float | None, typer.Option(help="Times each row is seen.", rich_help_panel=RECIPE)] = None,
    steps: Annotated[int | None, typer.Option(help="Updates, instead of epochs.", rich_help_panel=RECIPE)] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows of a pass on one device.", rich_help_panel=RECIPE)
    ] = None,
    accumulate: Annotated[int | None, typer.Option(help="Passes of an update.", rich_help_panel=RECIPE)] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Most tokens of a row; longer ones are refused.", rich_help_panel=RECIPE)
    ] = None,
    packing: Annotated[
        bool | None,
        typer.Option("--packing/--no-packing", help="Several rows in one sequence.", rich_help_panel=RECIPE),
    ] = None,
    gradient_checkpointing: Annotated[
        bool | None,
        typer.Option(
            "--gradient-checkpointing/--no-gradient-checkpointing", help="Less memory, slower.", rich_help_panel=RECIPE
        ),
    ] = None,
    precision: Annotated[Precision | None, typer.Option(help="Of the computation.", rich_help_panel=RECIPE)] = None,
    save_every: Annotated[
        int | None, typer.Option(help="Updates between two checkpoints.", rich_help_panel=RECIPE)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Train a student on a data set. After Ctrl-C, or a kill, the same command goes on from the last checkpoint."""
    from langdistill.students.train.recipe_file import RecipeFile, read_recipe_file
    from langdistill.students.train.training import run

    given = {
        "dataset": dataset, "base": base, "out": out, "objective": objective, "seed": seed, "choose": choose,
        "regression": regression,
    }  # fmt: skip
    changes = {
        "adapter": adapter, "rank": rank, "alpha": alpha, "dropout": dropout, "learning_rate": learning_rate,
        "schedule": schedule, "warmup": warmup, "weight_decay": weight_decay, "epochs": epochs, "steps": steps,
        "batch_size": batch_size, "accumulate": accumulate, "max_length": max_length, "packing": packing,
        "gradient_checkpointing": gradient_checkpointing, "precision": precision, "save_every": save_every,
    }  # fmt: skip
    said = read_recipe_file(config) if config else RecipeFile()
    said = said.model_copy(update={key: value for key, value in given.items() if value is not None})
    usual = "miniature" if said.base == "lab" else "ordinary"
    settled = said.recipe_like(recipe, usual, {k: getattr(v, "value", v) for k, v in changes.items()})
    said = said.model_copy(update={"recipe": {"like": "ordinary", **settled.model_dump(exclude_none=True)}})
    _check_together(said, plan=plan, measure=measure, save=save, pilot=pilot, reasoning=reasoning, force=force)
    job = _job(said, settled)
    trial = _pilot(said, reasoning) if pilot else None
    if plan:
        _tell(job, said, trial, measure=measure, save=save, format=format)
        return
    with shown(quiet=quiet) as tell:
        student = run(job, on_progress=tell, pilot=trial, force=force, choice=_choice(said))
    print_student(student, format)


def _check_together(
    said: RecipeFile, *, plan: bool, measure: bool, save: Path | None, pilot: bool, reasoning: Path | None, force: bool
) -> None:
    """Refuse options that would do nothing."""
    if (save or measure) and not plan:
        raise typer.BadParameter("--save and --measure go with --plan.")
    if (reasoning or force) and not pilot:
        raise typer.BadParameter("--reasoning and --force go with --pilot.")
    if said.regression and not (said.choose or pilot):
        raise typer.BadParameter("--regression goes with --choose or --pilot.")


def _job(said: RecipeFile, recipe: Recipe) -> Job:
    """The training, read and checked."""
    from langdistill.students.train.job import planned
    from langdistill.students.train.objective import find_objective

    missing = [name for name in ("dataset", "base", "out") if not getattr(said, name)]
    if missing:
        raise typer.BadParameter(
            f"{' and '.join(missing)} missing. Give the data set, --base and --out, or a recipe file that says them."
        )
    objective = spelt(said.objective or "sft", find_objective)
    base, seed = model_folder(str(said.base)), said.seed or 0
    return planned(str(said.dataset), base, str(said.out), objective=objective, recipe=recipe, seed=seed)


def _pilot(said: RecipeFile, reasoning: Path | None) -> Pilot:
    from langdistill.students.pilot import pilot
    from langdistill.students.regression import read_regression_set

    asked = read_regression_set(said.regression) if said.regression else None
    return partial(pilot, reasoning=reasoning, regression=asked)


def _choice(said: RecipeFile) -> Choice | None:
    from langdistill.students.regression import read_regression_set
    from langdistill.students.train.choosing import Choice

    if not said.choose:
        return None
    return Choice(regression=read_regression_set(said.regression) if said.regression else None)


def _tell(job: Job, said: RecipeFile, trial: Pilot | None, *, measure: bool, save: Path | None, format: Format) -> None:
    """The plan, and what the pilot finds."""
    from langdistill.students.train.plan import plan
    from langdistill.students.train.recipe_file import write_recipe_file

    found = plan(job, measure=measure)
    report = trial(job.dataset, job.start or job.base_folder, objective=job.objective, recipe=job.recipe, seed=job.seed) if trial else None  # fmt: skip
    if save:
        write_recipe_file(said, save)
    if format is Format.json:
        told: dict[str, Any] = found.model_dump()
        told["memory"]["total"] = found.memory.total
        print_json(told | ({"pilot": report.model_dump()} if report else {}))
        return
    console = Console(soft_wrap=True, highlight=False)
    print_plan(console, found)
    if report:
        print_pilot(console, report)
    if save:
        console.print(f"Recipe file: {save}", markup=False)
