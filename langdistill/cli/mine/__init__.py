"""`langdistill mine`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from langdistill.cli.mine.printed import ledger_table, plan_table, rounds_table
from langdistill.cli.mine.seeds import seeds_in, weak_spots_in
from langdistill.cli.options import Format, FormatOption, model_folder, print_json
from langdistill.cli.specs import spelt

if TYPE_CHECKING:
    from langdistill.mining.discriminating import Judging
    from langdistill.mining.generating import Writing
    from langdistill.mining.pools import InstructionPools
    from langdistill.mining.stopping import Stop
    from langdistill.students.train.imitation import Imitation

SAVINGS, WRITING, TRAINING, CAPS = "Savings beyond the paper", "New instructions", "Training between rounds", "Budget"
"""Titles of the groups of options."""


def mine(
    seeds: Annotated[
        Path | None,
        typer.Argument(help="File of instructions: JSON lines, a JSON list, or a text's lines.", show_default=False),
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(help="A model such as openai:gpt-4.1, or the folder of one.", show_default=False)
    ] = None,
    student: Annotated[
        str | None, typer.Option(help="A model, a student's folder, or lab; by default what --base names.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the run: the same command goes on where it stopped, and pays nothing twice.")
    ] = Path("runs/mine"),
    origin: Annotated[
        str | None,
        typer.Option("--from", help="A trace store: start from what the student did badly at in recorded runs."),
    ] = None,
    student_name: Annotated[
        str | None, typer.Option(help="With --from: the student's graph or model as the runs have it.")
    ] = None,
    teacher_name: Annotated[str | None, typer.Option(help="With --from: the same of the teacher.")] = None,
    referee: Annotated[str | None, typer.Option(help="A model; by default the teacher.")] = None,
    generator: Annotated[str | None, typer.Option(help="A model; by default the teacher.")] = None,
    rounds: Annotated[int, typer.Option(help="How many at most.")] = 3,
    tau: Annotated[float, typer.Option(help="Hard is what the teacher's mean grade is so much better at.")] = 1.0,
    plan: Annotated[bool, typer.Option("--plan", help="Tell how many calls it will take, and ask nothing.")] = False,
    per_round: Annotated[int, typer.Option(help="Added by a round.", rich_help_panel=WRITING)] = 6000,
    share_hard: Annotated[
        float, typer.Option(help="Of them, those written from hard ones.", rich_help_panel=WRITING)
    ] = 0.5,
    from_hard: Annotated[
        str, typer.Option(help="How: same_kind, deepened, self_instruct, ...", rich_help_panel=WRITING)
    ] = "same_kind",
    from_easy: Annotated[
        str, typer.Option(help="How: long_tailed, widened, self_instruct, ...", rich_help_panel=WRITING)
    ] = "long_tailed",
    rouge_l: Annotated[
        float, typer.Option(help="Similarity to a known one that must not be reached.", rich_help_panel=WRITING)
    ] = 0.7,
    tries: Annotated[int, typer.Option(help="Most replies for each that is wanted.", rich_help_panel=WRITING)] = 10,
    swap: Annotated[bool, typer.Option(help="Judge both orders.", rich_help_panel=SAVINGS)] = True,
    band: Annotated[
        float | None,
        typer.Option(help="The second order only where the first is so close to tau.", rich_help_panel=SAVINGS),
    ] = None,
    alike: Annotated[
        float | None,
        typer.Option(help="No referee where both answers are so similar (ROUGE-L).", rich_help_panel=SAVINGS),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(help="Judge so many of the cache pool, not all.", rich_help_panel=SAVINGS)
    ] = None,
    stop_when_flat: Annotated[
        float | None,
        typer.Option(help="Stop when the share of hard ones moved less than this.", rich_help_panel=SAVINGS),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Train the student from this base (or lab) after each imitation.", rich_help_panel=TRAINING),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="lion, ordinary, miniature, ...; three epochs of LoRA by default.", rich_help_panel=TRAINING),
    ] = None,
    students: Annotated[
        Path | None, typer.Option(help="Folder of the versions; by default below --out.", rich_help_panel=TRAINING)
    ] = None,
    completions: Annotated[int | None, typer.Option(help="Most replies in all.", rich_help_panel=CAPS)] = None,
    tokens: Annotated[int | None, typer.Option(help="Most tokens generated.", rich_help_panel=CAPS)] = None,
    money: Annotated[
        float | None, typer.Option(help="Most money; needs --price of each model.", rich_help_panel=CAPS)
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(help="ROLE_OR_MODEL=INPUT,OUTPUT per million tokens; may be repeated.", rich_help_panel=CAPS),
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Requests under way at once.")] = 64,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    format: FormatOption = Format.text,
) -> None:
    """Mine the instructions at which a student is behind its teacher, and write new ones like them (Lion)."""
    from langdistill.budgets import budget
    from langdistill.cli.evaluate import price_of
    from langdistill.mining.discriminating import Judging
    from langdistill.mining.ledger import cost, ledger
    from langdistill.mining.miner import create_instruction_miner
    from langdistill.mining.pools import InstructionPools
    from langdistill.mining.stopping import flat, never

    if (seeds is None) == (origin is None):
        raise typer.BadParameter("Give one of a file of instructions and --from STORE.")
    judging = Judging(tau=tau, swap=swap, band=band, alike=alike, sample=sample, seed=seed)
    writing = _writing(per_round, share_hard, from_hard, from_easy, rouge_l, tries, seed)
    given = _given(seeds, origin, student_name, teacher_name)
    if plan:
        _tell_plan(given, rounds, judging, writing, format)
        return
    if teacher is None or (student is None and base is None):
        raise typer.BadParameter("Who teaches whom? Give --teacher; and --student, or --base to train one.")
    trainer = _trainer(base, recipe, students or out / "students", seed) if base else None
    stop: Stop = never if stop_when_flat is None else flat("share_hard", within=stop_when_flat)
    prices = dict(map(price_of, price or []))
    with (
        InstructionPools(out) as pools,
        budget(completions=completions, tokens=tokens, money=money, prices=prices),  # type: ignore[arg-type]
    ):
        ids = pools.add(given)
        miner = create_instruction_miner(
            _model(teacher), _model(student or str(base)), referee and _model(referee), generator and _model(generator),
            pools=pools, rounds=rounds, judging=judging, writing=writing, trainer=trainer, stop=stop,
        )  # fmt: skip
        found = _run(miner, ids, concurrency)
        _keep(pools, found, out)
        spent = ledger(pools)
        _tell(found, spent, cost(spent, prices), pools.refused, out, format)  # type: ignore[arg-type]


def _given(seeds: Path | None, origin: str | None, student: str | None, teacher: str | None) -> list[Any]:
    if seeds is not None:
        return seeds_in(seeds)
    from langdistill.datasets.refusing import counted

    found = weak_spots_in(str(origin), student, teacher)
    typer.echo(f"{len(found.spots)} weak spots in {found.problems} problems ({counted(found.reasons)}).", err=True)
    return found.questions


def _writing(
    per_round: int, share_hard: float, from_hard: str, from_easy: str, rouge_l: float, tries: int, seed: int
) -> Writing:
    from langdistill.mining.generating import Writing
    from langdistill.mining.writing import find_generator

    return Writing(
        per_round=per_round,
        share_hard=share_hard,
        from_hard=spelt(from_hard, find_generator),
        from_easy=spelt(from_easy, find_generator),
        rouge_l=rouge_l,
        tries=tries,
        seed=seed,
    )


def _model(name: str) -> str:
    """A model's string: folders, and the embedded model, are run in this process."""
    place = model_folder(name)
    return f"local:{place}" if Path(place).expanduser().exists() else name


def _trainer(base: str, recipe: str | None, out: Path, seed: int) -> Imitation:
    from langdistill.errors import UnknownName
    from langdistill.students.train.imitation import LORA, Imitation
    from langdistill.students.train.recipe import RECIPES

    usual = "miniature" if base == "lab" else None
    if (name := recipe or usual) is not None and name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return Imitation(model_folder(base), out, recipe=RECIPES[name] if name else LORA, seed=seed)


def _run(miner: Any, ids: list[str], concurrency: int) -> dict[str, Any]:
    """Run the graph, and tell on stderr how far it is."""
    console, found = Console(stderr=True, highlight=False), {}
    config = {"max_concurrency": concurrency, "recursion_limit": 10_000}
    for mode, told in miner.stream({"seeds": ids}, config, stream_mode=["custom", "updates", "values"]):
        if mode == "values":
            found = told
        elif mode == "custom" and "role" in told:
            console.print(f"{told['role']}: {told['done']:,} of {told['of']:,}")
        elif mode == "updates":
            console.print(*(f"{name}: done" for name in told))
    return found


def _keep(pools: InstructionPools, found: dict[str, Any], out: Path) -> None:
    """Write what was mined beside the pools."""
    from contextlib import closing

    from langdistill.mining.mined import answered, traces, write_lines
    from langdistill.stores.sqlite import SQLiteStore

    if "taught" not in found:
        return
    write_lines(answered(pools, found), out / "mined.jsonl")
    with closing(SQLiteStore(out / "traces.db")) as store:
        store.add(traces(pools, found, seeds=True))


def _tell_plan(given: list[Any], rounds: int, judging: Judging, writing: Writing, format: Format) -> None:
    from dataclasses import asdict

    from langdistill.mining.instructions import seeds_of
    from langdistill.mining.ledger import planned, total

    known = seeds_of(given)
    found = planned(len(known.instructions), rounds=rounds, judging=judging, writing=writing)
    if format is Format.json:
        print_json({"rounds": [asdict(one) for one in found], "calls": total(found), "refused": known.refused})
        return
    Console().print(plan_table(found))
    _tell_refused(known.refused)


def _tell(
    found: dict[str, Any], spent: Any, costs: dict[str, float], refused: dict[str, int], out: Path, format: Format
) -> None:
    told = {key: found.get(key) for key in ("rounds", "student", "stopped")}
    if format is Format.json:
        ledger = {role: one.model_dump() for role, one in spent.items()}
        print_json({"out": str(out), **told, "ledger": ledger, "cost": costs, "refused": refused})
        return
    console = Console()
    console.print(rounds_table(found["rounds"]))
    console.print(ledger_table(spent, costs))
    if told["stopped"]:
        console.print(f"Stopped: {told['stopped']}.", markup=False, highlight=False)
    if told["student"]:
        console.print(f"Student: {told['student']}", markup=False, highlight=False)
    console.print(f"Written: {out / 'mined.jsonl'} and {out / 'traces.db'}", markup=False, highlight=False)
    _tell_refused(refused)


def _tell_refused(refused: dict[str, int]) -> None:
    from langdistill.datasets.refusing import counted

    if refused:
        typer.echo(f"Seeds that were not taken: {counted(dict(sorted(refused.items())))}.", err=True)
