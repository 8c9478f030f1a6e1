"""ART on the lab's chained arithmetic: what an asker and a truster of the lab model are worth, arm by arm.

    python benchmarks/refining.py --out runs/refining

In each seed predictions are sampled on questions of the pool `train`, asker, truster and refiner are trained as adapters of the lab
model, thresholds are taken on `dev`, and the graph is run on `final`: other questions, samples and adapters in each seed. The graph is
run at threshold 0, which tells what any threshold would have come to; the arm `art` is then run once more at its own
threshold, and must give the same answers. Figures are means over the seeds with Student's 95 % intervals; `beyond` are differences
to the first answers, seed by seed. Sizes and recipe were found on seed 100. A run that was interrupted goes on with the same command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from langdistill.evaluation.sweep import sweep
from langdistill.folders import write_whole
from langdistill.intervals import over_seeds, student_interval
from langdistill.lab.demo import versions
from langdistill.lab.processes import Progress, side_by_side
from langdistill.lab.refining.arms import ARMS, RUNS, Run, cases, outcome, threshold_on
from langdistill.lab.refining.loop import RefiningLoop, Settings

RESULTS = Path(__file__).with_name("results") / "refining.json"
SEEDS = 3
RATES = tuple(at / 10 for at in range(11))
"""Shares of refined answers that the curve is told at."""
AMOUNTS = ("completions", "tokens")


def measured(seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """What a seed comes to."""
    loop = RefiningLoop(seed, out / f"seed-{seed}", progress)
    kept = loop.folder / "found.json"
    if not kept.exists():
        write_whole(kept, json.dumps(_measured(loop)))
    return json.loads(kept.read_text())


def _measured(loop: RefiningLoop) -> dict[str, Any]:
    dev, final = ({name: loop.run(name, pool) for name in RUNS} for pool in ("dev", "final"))
    thresholds = {name: threshold_on(arm, dev) for name, arm in ARMS.items() if arm.refine == "doubted"}
    thresholds["zero_shot"] = 0.5
    check_alike(final)
    check_real(loop, final, thresholds["art"])
    alone = loop.in_one_reply()
    return {
        "data": {name: counts(loop, name) for name in ("asker", "truster", "refiner", "in_one_reply")},
        "detection": {pool: detection(runs) for pool, runs in (("dev", dev), ("final", final))},
        "arms": {
            **{
                name: outcome(arm, final, thresholds.get(name)) | {"threshold": thresholds.get(name)}
                for name, arm in ARMS.items()
            },
            "in_one_reply": {"accuracy": alone.accuracy, "completions": 1.0, "tokens": alone.tokens_per_answer},
        },
        "curves": {name: curve(name, final) for name in ("art", "art_recent", "art_without")},
    }


def check_alike(runs: Mapping[str, Run]) -> None:
    """The first answers are the same in every run: the arms differ in what comes after."""
    firsts = {name: [(one.problem, one.first) for one in run] for name, run in runs.items()}
    assert len({json.dumps(one) for one in firsts.values()}) == 1, firsts


def check_real(loop: RefiningLoop, final: Mapping[str, Run], threshold: float | None) -> None:
    """The graph at its threshold gives what was derived of the run at threshold 0."""
    if threshold is None:
        return
    told, gold = sweep(cases(ARMS["art"], final)).at(threshold), loop.questions("final").gold
    real = loop.run("trained", "final", threshold)
    right = sum(one.right for one in real)
    assert (right, sum("refine" in one.spent for one in real)) == (told.right, told.refined), (right, told)
    assert len(gold) == len(real)


def counts(loop: RefiningLoop, name: str) -> dict[str, Any]:
    """Rows of a data set and, of the asker's, how many say that the answer is to be refined."""
    rows = loop.dataset(name).rows()
    found: dict[str, Any] = {"rows": len(rows), "problems": len({row["problem"] for row in rows})}
    if name == "asker":
        found["refine"] = sum(row["completion"][0]["content"].endswith("yes") for row in rows) / len(rows)
    return found


def detection(runs: Mapping[str, Run]) -> dict[str, float | None]:
    """How well the asker tells wrong first answers from right ones, and the truster a wrong answer from a right one to the same question."""
    doubts = [(one.doubt or 0.0, one.first) for one in runs["trained"]]
    wrong, right = ([doubt for doubt, good in doubts if good is wanted] for wanted in (False, True))
    pairs = [
        one
        for name in ("trained", "always")
        for one in runs[name]
        if one.scores and one.refined not in (None, one.first)
    ]
    taken = [(one.scores[1] > one.scores[0]) == one.refined for one in pairs if one.scores]
    return {
        "asker_auc": auc(wrong, right),
        "truster_accuracy": mean(taken) if taken else None,
        "truster_pairs": len(taken),
    }


def auc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """The share of pairs in which the first is higher; a tie counts half."""
    if not higher or not lower:
        return None
    return mean((one > other) + 0.5 * (one == other) for one in higher for other in lower)


def curve(name: str, runs: Mapping[str, Run]) -> list[float]:
    """Accuracy where about this share is refined, for each of `RATES`: at the threshold that comes nearest."""
    points = sweep(cases(ARMS[name], runs)).points
    return [min(points, key=lambda one: abs(one.rate - rate)).accuracy.value for rate in RATES]


def over(values: Sequence[float | None], *, share: bool = True) -> dict[str, Any]:
    """Mean and interval over the seeds that have a value; an amount's interval is not clipped to shares."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return {"mean": known[0] if known else None, "interval": None, "runs": list(values)}
    interval = over_seeds(known)[1] if share else student_interval(known)
    return {"mean": mean(known), "interval": list(interval), "runs": list(values)}


def together(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of the seeds, name by name."""
    return {
        name: together([one[name] for one in found])
        if isinstance(told, dict)
        else over(
            [one[name] for one in found],
            share=name not in ("completions", "tokens", "rows", "problems", "truster_pairs"),
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

    pieces = {f"seed {seed}": (seed, given.out) for seed in range(given.seeds)}
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
        "curves": {name: [over(list(at)) for at in zip(*(one["curves"][name] for one in found), strict=True)] for name in found[0]["curves"]},
        "beyond": {
            name: over([one["arms"][name]["accuracy"] - first for one, first in zip(found, firsts, strict=True)], share=False)
            for name in found[0]["arms"]
        },
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1))
    print(json.dumps({name: one["accuracy"] for name, one in result["arms"].items()}, indent=1))


if __name__ == "__main__":
    main()
