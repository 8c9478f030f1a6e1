"""rStar in the lab's search world: accuracy at equal cost, completions against the authors' settings, wall time, size of checkpoints.

    python benchmarks/search.py

The world is made so that errors differ from action to action (`langdistill.lab.search`); the figures show what the search does where
that holds, and nothing about any real model. Each of five seeds has problems and models of its own; the preset "ours" was found on
seeds 100 to 104. Intervals are Student's over the seeds; differences are paired by seed. Gold answers are read after everything ran.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import correlation, linear_regression, mean
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.language_models import BaseChatModel

from langdistill.answers import same
from langdistill.budgets import budget
from langdistill.intervals import told_over_seeds
from langdistill.lab.demo import versions
from langdistill.lab.search.comparing import Cost, best_of, branched, cost_of, samples_for, searched, voted
from langdistill.lab.search.reasoner import Rates, discriminator, generator, reasoner
from langdistill.lab.search.simulating import SIMULATIONS, simulated
from langdistill.lab.search.world import SIZES, draw, story_in
from langdistill.search.evaluators.value import value
from langdistill.search.evaluators.vote import vote
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import OURS, PAPER, PRESETS, REPO

RESULTS = Path(__file__).with_name("results") / "search.json"
SEEDS = range(10, 15)
PROBLEMS = 80
DRAWS = 40_000
DELAY = 0.05
"""Seconds that a request takes."""
ROLLOUTS = (1, 2, 4, 8, 16, 32, 64)
LONGEST = max(SIZES)
WORSE = (0.35, 0.5)
"""How often judgements of states are wrong, where the model judges worse than it does by its own rate; a half is chance."""
Row = dict[str, tuple[str | None, Cost]]
"""Arm to answer and cost, of one problem."""
COSTS: dict[str, Callable[[Cost], int]] = {
    "completions": lambda one: one.completions,
    "tokens": lambda one: one.tokens,
    "generated": lambda one: one.generated,
}


def rows_of(question: str, seed: int) -> Row:
    """Every arm on one problem."""
    first, second, alike = generator(seed), discriminator(seed), discriminator(seed, correlated=True)
    ours, repo, paper = (searched(first, second, question, one, seed=seed) for one in (OURS, REPO, PAPER))
    correlated = searched(first, alike, question, OURS, seed=seed)
    alone = replace(OURS, grammar=OURS.grammar.without({"A1", "A2", "A4", "A5"}))
    rap = searched(first, second, question, alone, seed=seed)
    equal = voted(first, question, ours.cost.completions)
    tokens = voted(first, question, samples_for(ours.cost.tokens, equal.cost))
    valued, compared = (branched(first, question, one) for one in (value(), vote()))
    worse = {rate: branched(first, question, value(reasoner(Rates(judged=rate), seed=seed))) for rate in WORSE}
    best = best_of(first, question, max(1, round(ours.cost.completions / (1 + value().samples))))
    return {
        "ours": (ours.answer, ours.cost), "generator@majority": (ours.by_majority, ours.cost), "repo": (repo.answer, repo.cost),
        "repo, generator@majority": (repo.by_majority, repo.cost), "paper": (paper.answer, paper.cost),
        "paper, generator@majority": (paper.by_majority, paper.cost), "correlated discriminator": (correlated.answer, correlated.cost),
        "A3 alone (RAP-like)": (rap.answer, rap.cost), "A3 alone, majority": (rap.by_majority, rap.cost),
        "self-consistency, equal completions": (equal.answer, equal.cost),
        "self-consistency, equal tokens": (tokens.answer, tokens.cost),
        "Tree of Thoughts (value)": (valued.answer, valued.cost), "Tree of Thoughts (vote)": (compared.answer, compared.cost),
        "best of n, equal completions": (best.answer, best.cost),
    } | {f"Tree of Thoughts (value), wrong in {rate:.0%} of what it judges": (one.answer, one.cost) for rate, one in worse.items()}  # fmt: skip


told = partial(told_over_seeds, share=False)
"""An amount over the seeds; `share=True` for a proportion."""


def accuracy(problems: int) -> dict[str, Any]:
    """Arms over the seeds: how often they are right, and what they cost a problem."""
    right: dict[str, list[float]] = {}
    spent: dict[str, list[dict[str, float]]] = {}
    for seed in SEEDS:
        drawn = draw(problems, seed=seed)
        rows = [(one.id, rows_of(one.question, seed)) for one in drawn.problems]
        for arm in rows[0][1]:
            answers = [(row[arm][0], drawn.gold[id]) for id, row in rows]
            right.setdefault(arm, []).append(mean(bool(got) and same(got, gold) for got, gold in answers))
            costs = [row[arm][1] for _, row in rows]
            spent.setdefault(arm, []).append({name: mean(map(of, costs)) for name, of in COSTS.items()})
        print(f"seed {seed}", {arm: round(values[-1], 3) for arm, values in right.items()}, flush=True)
    return {
        "problems": problems,
        "arms": {
            arm: {"accuracy": told(right[arm], share=True)}
            | {name: told([one[name] for one in spent[arm]]) for name in COSTS}
            for arm in right
        },
        "differences": {
            f"{one} - {other}": told([a - b for a, b in zip(right[one], right[other], strict=True)])
            for one, other in PAIRS
        },
        "share_of_completions": told(
            [a["completions"] / b["completions"] for a, b in zip(spent["ours"], spent["repo"], strict=True)]
        ),
    }


PAIRS = (
    ("ours", "repo"),
    ("ours", "paper"),
    ("ours", "generator@majority"),
    ("correlated discriminator", "generator@majority"),
    ("generator@majority", "self-consistency, equal completions"),
    ("ours", "self-consistency, equal tokens"),
    ("ours", "A3 alone (RAP-like)"),
    ("ours", "Tree of Thoughts (value)"),
    ("ours", "Tree of Thoughts (vote)"),
    ("ours", "best of n, equal completions"),
    ("Tree of Thoughts (value)", "self-consistency, equal completions"),
)


def longest(n: int) -> list[str]:
    """The first problems of as many changes as there may be."""
    drawn = draw(PROBLEMS, seed=SEEDS[0]).problems
    return [one.question for one in drawn if len(story_in(one.question).changes) == LONGEST][:n]


def speed(delay: float) -> dict[str, Any]:
    """32 rollouts of the paper's settings together, against one request after the other.

    Rounds are what a machine with time to spare waits for: requests of one round go out together. Where seconds are far above rounds x
    delay + CPU seconds, other work held up this measurement.
    Three problems on a server that gives n replies to a request, as the authors' does, and one on a server that gives one.
    """
    return {
        "n replies to a request": [faster(question, delay, batched=True) for question in longest(3)],
        "one reply to a request": [faster(question, delay, batched=False) for question in longest(1)],
    }


def faster(question: str, delay: float, *, batched: bool) -> dict[str, Any]:
    """One problem three times: together, the same tree in sequence, and the authors' order."""
    arms = {
        "32 rollouts together": (32, None),
        "the same tree, one request after the other": (32, 1),
        "one rollout after the other, one request after the other": (1, 1),
    }
    found = {name: timed(question, delay, batched, *arm) for name, arm in arms.items()}
    first, *others = found.values()
    return {
        "delay": delay,
        "arms": {name: {key: one[key] for key in one if key != "tree"} for name, one in found.items()},
        "same_tree": first["tree"] == others[0]["tree"],
        "times_faster": [one["seconds"] / first["seconds"] for one in others],
        "times_faster_per_completion": [
            one["seconds"] / one["completions"] / (first["seconds"] / first["completions"]) for one in others
        ],
    }


def timed(question: str, delay: float, batched: bool, at_once: int, most: int | None) -> dict[str, Any]:
    """One search, whose requests each take so long."""
    models = [slow(one(SEEDS[0], batched=batched), delay) for one in (generator, discriminator)]
    graph = create_mutual_reasoning(*models, preset=replace(PAPER, at_once=at_once))
    config: Any = {"max_concurrency": most} if most else {}
    started, worked = time.monotonic(), time.process_time()
    with budget() as spent:
        rounds, state = asyncio.run(followed(graph, question, config))
    return {"seconds": time.monotonic() - started, "cpu_seconds": time.process_time() - worked, "tree": state["tree"]} | {
        "completions": cost_of(spent).completions, "nodes": len(state["tree"]), "rollouts": state["tree"][0]["visits"], "answer": state["answer"],
        "requests": sum(one.requests for one in models), "rounds": rounds,
    }  # fmt: skip


async def followed(graph: Any, question: str, config: Any) -> tuple[int, dict[str, Any]]:
    """How many times in sequence requests went out, and the final state."""
    rounds, state = 0, dict[str, Any]()
    modes = ["custom", "values"]
    asked = graph.astream({"messages": [("user", question)]}, config, stream_mode=modes, output_keys=["tree", "answer"])
    async for mode, told in asked:
        rounds += mode == "custom"
        state = state | told if mode == "values" else state
    return rounds, state


def slow(model: Any, delay: float) -> Any:
    return model.model_copy(update={"delay": delay})


def checkpoints() -> dict[str, Any]:
    """Bytes that checkpointers keep of one search against the nodes of its tree."""
    [question] = longest(1)
    rows = [(kept_in_memory(question, some), kept_in_sqlite(question, some)) for some in ROLLOUTS]
    return {
        "InMemorySaver": fitted([one for one, _ in rows]),
        "SqliteSaver": fitted([one for _, one in rows]),
    }


def fitted(points: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The straight line through nodes and bytes, and how much of the spread it explains."""
    nodes, size = [list(one) for one in zip(*points, strict=True)]
    line = linear_regression(nodes, size)
    told = {"bytes_per_node": line.slope, "bytes_at_none": line.intercept, "r_squared": correlation(nodes, size) ** 2}
    return {"nodes": nodes, "bytes": size} | told


def kept_in_memory(question: str, rollouts: int) -> tuple[int, int]:
    from langgraph.checkpoint.memory import InMemorySaver

    saver = InMemorySaver()
    nodes = kept_by(saver, question, rollouts)
    blobs = sum(len(one[1]) for one in saver.blobs.values())
    writes = sum(len(one[2][1]) for some in saver.writes.values() for one in some.values())
    states = [one for thread in saver.storage.values() for some in thread.values() for one in some.values()]
    return nodes, blobs + writes + sum(len(one[0][1]) + len(one[1][1]) for one in states)


def kept_in_sqlite(question: str, rollouts: int) -> tuple[int, int]:
    from langgraph.checkpoint.sqlite import SqliteSaver

    with TemporaryDirectory() as folder:
        place = Path(folder) / "kept.db"
        with SqliteSaver.from_conn_string(str(place)) as saver:
            nodes = kept_by(saver, question, rollouts)
        return nodes, place.stat().st_size


def kept_by(saver: Any, question: str, rollouts: int) -> int:
    models: list[BaseChatModel] = [generator(SEEDS[0]), discriminator(SEEDS[0])]
    graph = create_mutual_reasoning(*models, preset=replace(OURS, rollouts=rollouts), checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "1"}}
    state = graph.invoke({"messages": [("user", question)]}, config, output_keys=["tree"])
    return len(state["tree"])


def simulations(draws: int) -> list[dict[str, Any]]:
    """Section 4.4 of the analysis: what each score makes of a strong and of a weak discriminator."""
    return [one._asdict() | {"accuracy": simulated(one, draws, Random(1))} for one in SIMULATIONS]


PARTS: dict[str, Callable[[], Any]] = {
    "accuracy": lambda: accuracy(PROBLEMS),
    "speed": lambda: speed(DELAY),
    "checkpoints": checkpoints,
    "simulations": lambda: simulations(DRAWS),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, nargs="*", default=list(PARTS), help="those to measure anew")
    found = {name: PARTS[name]() for name in parser.parse_args().part}
    print(json.dumps(found, indent=1), flush=True)
    known = (json.loads(RESULTS.read_text()) if RESULTS.exists() else {}) | found
    said = {"command": "python benchmarks/search.py", "versions": versions(), "seeds": list(SEEDS)}
    presets = {name: repr(one).partition(", grammar=")[0] + ")" for name, one in PRESETS.items()}
    RESULTS.write_text(json.dumps(known | said | {"draws": DRAWS, "presets": presets}, indent=1) + "\n")


if __name__ == "__main__":
    main()
