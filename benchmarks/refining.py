"""ART on the lab's chained arithmetic: what an asker and a truster of the lab model are worth, arm by arm.

    python benchmarks/refining.py --out runs/refining

In each seed predictions are sampled on questions of the pool `train`, asker, truster and refiner are trained as adapters of the lab
model, thresholds are taken on `dev`, and the graph is run on `final`: other questions, samples and adapters in each seed. The graph is
run at threshold 0, which tells what any threshold would have come to; the arm `art` is then run once more at its own
threshold, and must give the same answers. Figures are means over the seeds with Student's 95 % intervals; `beyond` are differences
to the first answers, seed by seed. Sizes and recipes were found on the questions of `train` and `dev` of seed 0, which is not measured; that
the refiner is taught right answers and none that slip was decided on 80 questions of `dev` of seed 1. A run that was interrupted goes on with
the same command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Literal

from langdistill.evaluation.area import area
from langdistill.evaluation.sweep import Point, Sweep
from langdistill.folders import write_whole
from langdistill.intervals import told_over_seeds
from langdistill.lab.demo import versions
from langdistill.lab.processes import Progress, side_by_side
from langdistill.lab.refining.arms import ARMS, RUNS, Runs
from langdistill.lab.refining.loop import RefiningLoop, Settings

RESULTS = Path(__file__).with_name("results") / "refining.json"
SEEDS = 3
LOWEST = 1
"""The first seed: sizes and recipes were found on the questions of seed 0."""
RATES = tuple(at / 10 for at in range(11))
"""Shares of refined answers that the curve is told at."""
POOLS: dict[Literal["dev", "final"], Sequence[str]] = {"dev": ("trained", "always"), "final": RUNS}
"""The runs of each pool: on `dev` those that thresholds are taken of."""
ZERO_SHOT = 0.5
"""Threshold of the asker that nothing was tuned for: the graph's own default."""
CURVES = ("art", "art_recent", "without", "without_recent")
AMOUNTS = ("completions", "tokens", "rows", "problems", "truster_pairs")


def measured(seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """What a seed comes to."""
    loop = RefiningLoop(seed, out / f"seed-{seed}", progress)
    kept = loop.folder / "found.json"
    if not kept.exists():
        write_whole(kept, json.dumps(_measured(loop)))
    return json.loads(kept.read_text())


def _measured(loop: RefiningLoop) -> dict[str, Any]:
    runs = {pool: {name: loop.tried(name, pool) for name in names} for pool, names in POOLS.items()}
    gold = {pool: loop.questions(pool).gold for pool in POOLS}
    check_alike(runs["final"])
    thresholds = {
        name: arm.sweep(runs["dev"], gold["dev"]).recommended.threshold
        for name, arm in ARMS.items()
        if arm.refine == "doubted" and name != "zero_shot"
    }
    thresholds["zero_shot"] = ZERO_SHOT
    points = {name: arm.point(runs["final"], gold["final"], thresholds.get(name)) for name, arm in ARMS.items()}
    check_real(loop, points["art"])
    alone = loop.in_one_reply()
    return {
        "data": {name: counts(loop, name) for name in ("asker", "truster", "refiner", "in_one_reply")},
        "detection": {pool: detection(runs[pool], gold[pool]) for pool in POOLS},
        "arms": {name: told(one) for name, one in points.items()}
        | {"in_one_reply": {"accuracy": alone.accuracy, "completions": 1.0, "tokens": alone.tokens_per_answer}},
        "curves": {name: curve(ARMS[name].sweep(runs["final"], gold["final"])) for name in CURVES},
    }


def check_alike(runs: Runs) -> None:
    """The first answers are the same in every run: arms differ in what comes after."""
    firsts = {json.dumps({id: one.first for id, one in run.items()}, sort_keys=True) for run in runs.values()}
    assert len(firsts) == 1, "first answers differ from run to run"


def check_real(loop: RefiningLoop, derived: Point) -> None:
    """The graph at its threshold does what was derived of the run that refined everything."""
    graph = create_graph(loop, derived)
    real = loop.evaluated("art", graph)
    got = real.accuracy, real.completions
    expected = derived.right / derived.problems, derived.spent.completions
    assert got == expected, f"the graph at its threshold gave {got}, the sweep {expected}"


def create_graph(loop: RefiningLoop, point: Point) -> Any:
    """ART at a threshold; one that refines nothing asks all the same."""
    return loop.graph("trained", 1.0 if point.threshold is None else point.threshold)


def told(point: Point) -> dict[str, Any]:
    """Shares of the questions; completions and generated tokens of a question; the threshold on dev."""
    n = point.problems
    return {
        "accuracy": point.right / n,
        "refined": point.rate,
        "wrong_to_right": point.wrong_to_right / n,
        "right_to_wrong": point.right_to_wrong / n,
        "completions": point.spent.completions / n,
        "tokens": point.spent.output_tokens / n,
        "threshold": point.threshold,
    }


def counts(loop: RefiningLoop, name: str) -> dict[str, Any]:
    """Rows of a data set and, of the asker's, how many say that the answer is to be refined."""
    rows = loop.dataset(name).rows()
    found: dict[str, Any] = {"rows": len(rows), "problems": len({row["problem"] for row in rows})}
    if name == "asker":
        found["refine"] = sum(row["completion"][0]["content"].endswith("yes") for row in rows) / len(rows)
    return found


def detection(runs: Runs, gold: Mapping[str, str]) -> dict[str, float | None]:
    """How well the asker tells wrong first answers from right ones, and the truster a wrong answer from a right one to the question."""
    asked = ARMS["art"].sweep(runs, gold).cases
    pairs = [
        one for one in (*asked, *ARMS["always_truster"].sweep(runs, gold).cases) if one.refined not in (None, one.first)
    ]
    taken = [one.trusted for one in pairs]
    known = [one.doubt is not None for one in asked]
    return {
        "decisions": mean(known),
        "asker_auc": area([one.doubt or 0.0 for one in asked], [not one.first for one in asked]),
        "truster_accuracy": mean(taken) if taken else None,
        "truster_pairs": len(taken),
    }


def curve(found: Sweep) -> list[float]:
    """Accuracy where about this share is refined, for each of `RATES`: at the threshold that comes nearest."""
    return [min(found.points, key=lambda one: abs(one.rate - rate)).accuracy.value for rate in RATES]


def together(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of the seeds, name by name."""
    return {
        name: together([one[name] for one in found])
        if isinstance(told, dict)
        else told_over_seeds(
            [one[name] for one in found],
            share=name not in AMOUNTS,
        )
        for name, told in found[0].items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/refining"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()

    def show(step: str, done: int, of: int) -> None:
        print(f"{step} {done} of {of}", flush=True)

    pieces = {f"seed {seed}": (seed, given.out) for seed in range(LOWEST, LOWEST + given.seeds)}
    found = list(side_by_side(measured, pieces, jobs=given.jobs, progress=show).values())
    firsts = [one["arms"]["initial"]["accuracy"] for one in found]
    result = {
        "command": "python benchmarks/refining.py --out runs/refining"
        + ("" if given.seeds == SEEDS else f" --seeds {given.seeds}"),
        "versions": versions(),
        "seeds": given.seeds,
        "settings": Settings().model_dump(),
        "said": {name: arm.said for name, arm in ARMS.items()} | {"in_one_reply": "all in one reply (negative control)"},
        **{name: together([one[name] for one in found]) for name in ("data", "detection", "arms")},
        "rates": list(RATES),
        "curves": {name: [told_over_seeds(list(at)) for at in zip(*(one["curves"][name] for one in found), strict=True)] for name in found[0]["curves"]},
        "beyond": {
            name: told_over_seeds([one["arms"][name]["accuracy"] - first for one, first in zip(found, firsts, strict=True)], share=False)
            for name in found[0]["arms"]
        },
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1))
    print(json.dumps({name: one["accuracy"] for name, one in result["arms"].items()}, indent=1))


if __name__ == "__main__":
    main()
