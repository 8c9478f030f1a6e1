"""`langdistill art evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from langdistill.cli.options import Format, FormatOption, bars, print_json, wide_console

if TYPE_CHECKING:
    from langdistill.evaluation.refining import Tried
    from langdistill.evaluation.sweep import Point, Sweep
    from langdistill.evaluation.tasks.taskset import TaskSet
    from langdistill.refining.doubting import Asker
    from langdistill.refining.trusting import Truster

SHOWN = 12
"""Most points of the curve that are printed; the file has all."""


def evaluate(
    problems: Annotated[
        Path, typer.Argument(help="The test: lines of JSON with id, question and answer.", show_default=False)
    ],
    model: Annotated[
        str, typer.Option(help="Who answers and refines: a model such as openai:gpt-4.1, a folder, or lab.")
    ],
    asker: Annotated[
        str, typer.Option(help="zero_shot, always, never, or a trained one: its folder or model.")
    ] = "zero_shot",
    truster: Annotated[
        str, typer.Option(help="judge (the model itself), most_recent, or the folder of a trained one.")
    ] = "judge",
    validation: Annotated[
        Path | None, typer.Option(help="Problems to choose the threshold on, in the same form; none of the test's.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="The doubt to refine from, instead of a chosen one.", min=0, max=1)
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the model.", show_default=False)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens of its replies.", show_default=False)] = None,
    out: Annotated[
        Path, typer.Option(help="Folder where the runs are kept: the same command goes on where it stopped.")
    ] = Path("runs/art"),
    concurrency: Annotated[int, typer.Option(help="Problems under way at once.")] = 32,
    format: FormatOption = Format.text,
) -> None:
    """Measure ask, refine, trust on problems, and draw accuracy against the share that is refined."""
    import orjson

    from langdistill.evaluation.problems import read_problems
    from langdistill.evaluation.refining import cases
    from langdistill.evaluation.sweep import sweep
    from langdistill.evaluation.sweep_chart import write_chart
    from langdistill.folders import write_whole

    if validation is not None and threshold is not None:
        raise typer.BadParameter("Give one of --validation FILE and --threshold NUMBER.")
    test, held = read_problems(problems), None if validation is None else read_problems(validation)
    if held and (shared := {one.question for one in held.problems} & {one.question for one in test.problems}):
        raise typer.BadParameter(
            f"{len(shared)} questions are in both files; the threshold is never chosen on the test."
        )
    given = {
        key: value for key, value in (("temperature", temperature), ("max_tokens", max_tokens)) if value is not None
    }
    graph = _graph(model, given, asker, truster)
    chosen = 0.5 if threshold is None else threshold
    curves: dict[str, Sweep] = {}
    if held:
        curves["validation"] = sweep(cases(_tried(graph, held, out, concurrency), held.gold))
        chosen = curves["validation"].recommended.threshold
    tried = _tried(graph, test, out, concurrency)
    curves["test"] = sweep(cases(tried, test.gold))
    rows = _rows(tried, test.gold, chosen, truster)
    write_chart(curves, out / "sweep.html", chosen=chosen)
    drawn = {name: list(map(_point, one.points)) for name, one in curves.items()}
    undecided = sum(one.doubt is None for one in tried.values())
    told = {"threshold": chosen, "undecided": undecided, "arms": rows, "curves": drawn}
    write_whole(out / "sweep.json", orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    if undecided:
        typer.echo(
            f"The asker came to no decision on {undecided} of {len(tried)} problems; they are never refined.", err=True
        )
    if format is Format.json:
        print_json(told)
        return
    _print(rows, curves["test"], chosen, held is not None, out)


def _graph(model: str, params: dict[str, Any], asker: str, truster: str) -> Any:
    from langdistill.cli.art.models import answering
    from langdistill.refining.ask_refine_trust import create_ask_refine_trust

    chat = answering(model, params)
    return create_ask_refine_trust(chat, asker=_asker(asker, chat), truster=_truster(truster, chat), threshold=0)


def _asker(name: str, model: Any) -> Asker:
    from langdistill.cli.art.models import answering
    from langdistill.refining.askers.always import always
    from langdistill.refining.askers.never import never
    from langdistill.refining.askers.trained import trained
    from langdistill.refining.askers.zero_shot import zero_shot

    known: dict[str, Any] = {"zero_shot": lambda: zero_shot(model), "always": always, "never": never}
    return known[name]() if name in known else trained(answering(name))


def _truster(name: str, model: Any) -> Truster:
    from langdistill.refining.trusters.judge import judge
    from langdistill.refining.trusters.most_recent import most_recent
    from langdistill.refining.trusters.ranker import ranker
    from langdistill.students.card import read_student

    if name == "judge":
        return judge(model)
    return most_recent() if name == "most_recent" else ranker(read_student(name).scorer())


def _tried(graph: Any, task: TaskSet, out: Path, concurrency: int) -> dict[str, Tried]:
    from langdistill.evaluation.refining import try_refining

    with bars() as shown:
        bar = shown.add_task(task.name, total=len(task.problems))
        tried = try_refining(
            graph, task.problems, folder=out / task.name, max_concurrency=concurrency,
            on_progress=lambda done, of: shown.update(bar, completed=done),
        )  # fmt: skip
    failed = [one.error for one in tried.values() if one.error]
    if failed:
        typer.echo(f"{len(failed)} of {len(tried)} problems of {task.name} failed; the first: {failed[0]}", err=True)
    return tried


def _rows(tried: dict[str, Tried], gold: dict[str, str], threshold: float | None, truster: str) -> list[dict[str, Any]]:
    """The arms: what the graph comes to with each of its parts left out."""
    from langdistill.evaluation.refining import cases
    from langdistill.evaluation.sweep import sweep

    chooses = truster.replace("_", " ") if truster in ("judge", "most_recent") else "trained truster"
    unasked, unasked_recent = (sweep(cases(tried, gold, asked=False, most_recent=recent)) for recent in (False, True))
    whole, recent = (sweep(cases(tried, gold, most_recent=recent)) for recent in (False, True))
    arms = {
        "first answers": unasked.nothing,
        "refine everything, most recent": unasked_recent.everything,
        f"refine everything, {chooses}": unasked.everything,
        "asker, most recent": recent.at(threshold),
        f"asker, {chooses}": whole.at(threshold),
    }
    return [{"arm": name, **_point(point)} for name, point in arms.items()]


def _point(point: Point) -> dict[str, Any]:
    value, low, high = point.accuracy
    return {
        "threshold": point.threshold, "refined": point.rate, "accuracy": value, "interval": [low, high],
        "wrong_to_right": point.wrong_to_right, "right_to_wrong": point.right_to_wrong, "problems": point.problems,
        "calls": point.spent.completions / point.problems, "tokens": point.spent.output_tokens / point.problems,
    }  # fmt: skip


def _print(rows: list[dict[str, Any]], found: Sweep, threshold: float | None, on_validation: bool, out: Path) -> None:
    console = wide_console()
    console.print(_table("arm", [(row["arm"], row) for row in rows]))
    points = [_point(one) for one in found.points]
    every = max(1, -(-len(points) // SHOWN))
    shown = [*points[::every], *([points[-1]] if (len(points) - 1) % every else [])]
    named = [("never" if one["threshold"] is None else f"{one['threshold']:.3f}", one) for one in shown]
    console.print(_table("refined from", named))
    how = "chosen on the validation problems" if on_validation else "given, not chosen: --validation FILE chooses one"
    told = "never to refine" if threshold is None else f"{threshold:.3f}"
    console.print(
        f"Threshold: {told} ({how}). All points: {out / 'sweep.json'}, drawn in {out / 'sweep.html'}.", highlight=False
    )


def _table(first: str, rows: list[tuple[str, dict[str, Any]]]) -> Table:
    table = Table(
        first,
        "refined",
        "accuracy",
        "95 %",
        "wrong to right",
        "right to wrong",
        "calls",
        "tokens",
        box=None,
        pad_edge=False,
    )
    for name, row in rows:
        low, high = row["interval"]
        table.add_row(
            name, f"{row['refined']:.0%}", f"{row['accuracy']:.1%}", f"{low:.1%} to {high:.1%}", str(row["wrong_to_right"]),
            str(row["right_to_wrong"]), f"{row['calls']:.2f}", f"{row['tokens']:.0f}",
        )  # fmt: skip
    return table
