"""`langdistill art data`."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from langdistill.cli.options import Format, FormatOption, print_json

if TYPE_CHECKING:
    from langdistill.datasets.judging import Judge
    from langdistill.datasets.reading import Dataset
    from langdistill.records import Problem

ASKER, TRUSTER = "asker", "truster"
"""Folders of the two data sets."""


def data(
    store: Annotated[
        str,
        typer.Argument(help="The trace store: an SQLite file, or postgresql://user@host/database.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the two data sets: asker and truster.")],
    gold: Annotated[
        Path | None, typer.Option(help="JSON lines with `problem` and `answer`: what is right.", exists=True)
    ] = None,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Without gold answers: right is what users liked.")
    ] = False,
    questions: Annotated[
        Path | None,
        typer.Option(
            help="JSON lines with `problem` and `questions`: what the asker asks before it decides.", exists=True
        ),
    ] = None,
    problems: Annotated[
        Path | None,
        typer.Option(
            help="Sample first: JSON lines with id, question and answer, which is then what is right.", exists=True
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="With --problems: who answers them, such as openai:gpt-4.1.")
    ] = None,
    samples: Annotated[
        int, typer.Option(help="With --problems: answers to each; what the store has counts.", min=1)
    ] = 4,
    temperature: Annotated[float, typer.Option(help="Of these samples.")] = 0.7,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens of a sample.")] = None,
    pairs: Annotated[
        int | None, typer.Option(help="For the truster: most pairs of a problem; all by default.", min=1)
    ] = None,
    validation: Annotated[float, typer.Option(help="Share of the problems that go into the validation split.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
    concurrency: Annotated[int, typer.Option(help="Problems that are sampled at once.")] = 32,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the data sets where they exist.")] = False,
    format: FormatOption = Format.text,
) -> None:
    """Make the data sets of an asker and a truster of recorded answers that were right or wrong; sample them first, if asked."""
    from langdistill.datasets.harvest import harvest
    from langdistill.datasets.targets.doubt import doubt
    from langdistill.datasets.targets.trust import trust

    judge = _judge(gold, problems, feedback=feedback)
    if problems is not None:
        _sample(store, problems, model, samples, temperature, max_tokens, concurrency)
    told = {"validation": validation, "seed": seed, "overwrite": overwrite}
    recorded = harvest(store)
    # The truster's first: where all answers are right, or all wrong, there are no pairs, and nothing is written at all.
    truster = recorded.target(trust(judge, most=pairs)).write(out / TRUSTER, format="trl_preference", **told)
    asker = recorded.target(doubt(judge, questions)).write(out / ASKER, **told)
    _tell(out, asker, truster, format)


def _judge(gold: Path | None, problems: Path | None, *, feedback: bool) -> Judge:
    """What says which answers are right."""
    from langdistill.datasets.judging import by_gold, liked
    from langdistill.evaluation.problems import read_problems

    if (gold is not None) and feedback:
        raise typer.BadParameter("Give one of --gold FILE and --feedback.")
    if feedback:
        return liked
    if gold is not None:
        return by_gold(gold)
    if problems is not None:
        return by_gold(read_problems(problems).gold)
    raise typer.BadParameter("What is right? Give --gold FILE, --feedback, or --problems FILE with answers.")


def _sample(
    store: str,
    problems: Path,
    model: str | None,
    samples: int,
    temperature: float,
    max_tokens: int | None,
    concurrency: int,
) -> None:
    """Record as many answers to each problem as are missing."""
    from langdistill.cli.art.models import answering
    from langdistill.evaluation.problems import read_problems
    from langdistill.recording.recorder import TraceRecorder

    if model is None:
        raise typer.BadParameter("Who answers the problems? Give --model.")
    known, failed = _recorded(store), list[BaseException]()
    missing = defaultdict[int, list[Any]](list)
    for one in read_problems(problems).problems:
        missing[samples - known.get(one.id, 0)].append(one)
    asked = answering(model, {"max_tokens": max_tokens})
    with closing(TraceRecorder(store)) as recorder:
        for count, some in missing.items():
            failed += _drawn(asked, some, count, temperature, recorder, concurrency) if count > 0 else []
    if failed:
        first = f"{type(failed[0]).__name__}: {failed[0]}"
        typer.echo(
            f"{len(failed)} problems failed; the first: {first}. The same command asks for them again.", err=True
        )


def _drawn(
    model: Any, problems: list[Problem], samples: int, temperature: float, recorder: Any, at_once: int
) -> list[BaseException]:
    """Record so many answers to each problem; what failed."""
    from langdistill.strategies.self_consistency import create_self_consistency

    graph: Any = create_self_consistency(model, samples=samples, temperature=temperature)
    asked = [{"messages": [("user", one.question)]} for one in problems]
    configs = [_config(one, recorder, at_once) for one in problems]
    return [one for one in graph.batch(asked, configs, return_exceptions=True) if isinstance(one, BaseException)]


def _config(problem: Problem, recorder: Any, concurrency: int) -> dict[str, Any]:
    return {"callbacks": [recorder], "metadata": problem.metadata, "max_concurrency": concurrency}


def _recorded(store: str) -> dict[str, int]:
    """Problem to how many first answers of it the store has."""
    from langdistill.answers import final_answer
    from langdistill.datasets.attempts import predictions
    from langdistill.datasets.selection import Selection, stored
    from langdistill.errors import StoreError

    try:
        with stored(store, Selection(), final_answer) as selected:
            return {group.problem: len(predictions(group)) for group in selected.groups()}
    except StoreError:
        if "://" not in store and not Path(store).exists():
            return {}
        raise


def _tell(out: Path, asker: Dataset, truster: Dataset, format: Format) -> None:
    from langdistill.cli.harvest import waterfall_of

    told = {
        name: {key: one.manifest.get(key) for key in ("hash", "rows", "classes", "rows_per_problem")}
        for name, one in ((ASKER, asker), (TRUSTER, truster))
    }
    if format is Format.json:
        print_json({"out": str(out), **told})
        return
    console = Console()
    for name, one in ((ASKER, asker), (TRUSTER, truster)):
        console.print(f"{name}: {sum(one.manifest['rows'].values())} rows in {out / name}", highlight=False)
        console.print(waterfall_of(one.funnel))
    counts = asker.manifest["classes"]
    k = ", ".join(f"{size} for {count}" for size, count in asker.manifest["rows_per_problem"].items())
    console.print(f"Decisions: {counts}. First answers a problem (k): {k} problems.", highlight=False)
