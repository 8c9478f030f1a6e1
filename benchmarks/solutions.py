"""Asker and Truster on real solutions: four models' answers to the 1,319 test questions of GSM8K, with what was right.

    LANGDISTILL_DATA=... python benchmarks/solutions.py --out runs/solutions

Five splits by question; models learn from the training part, penalties, thresholds and the choice of a Truster come from the validation
part, and every figure is of the test part. A split that is done is not run again; a training that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import reduce
from io import BytesIO
from math import sqrt
from operator import getitem
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from solution_choosing import of_all_pairs, selection
from solution_features import CHECKS, SURFACE, Array
from solution_models import (
    MODELS,
    SPLITS,
    TEST,
    Asked,
    Split,
    all_features,
    bradley_terry,
    logistic,
    pairs,
    read_solutions,
    read_training,
    split,
    surface_features,
    won,
)
from solution_ranker import pretrained, ranker_of, scores_of

from langdistill.evaluation.area import area_over_problems
from langdistill.folders import write_whole
from langdistill.intervals import student_interval
from langdistill.lab.demo import versions

RESULTS = Path(__file__).with_name("results") / "solutions.json"
CHOICES = ("features", "transformer")
"""Trusters that one is chosen of, on the validation part, for the sweep. "both" has been fitted to that part already."""
KNOWN = "features and model"
"""Asker and Truster that are told which model has answered, for a sweep of their own."""


def agreeing(asked: Sequence[Asked]) -> Array:
    """How many of the other three models give the same answer, shape (questions, models, 1)."""
    models = range(len(asked[0].texts))
    return np.array([[[sum(not each.differs(one, other) for other in models) - 1] for one in models] for each in asked], dtype=float)  # fmt: skip


def features_of(out: Path, data: Path, asked: Sequence[Asked]) -> dict[str, Array]:
    """All features; read once."""
    kept = out / "features.npz"
    if not kept.is_file():
        found = {"surface": surface_features(asked), "features": all_features(asked, read_training(data))}
        model = np.broadcast_to(np.eye(len(MODELS)), (len(asked), len(MODELS), len(MODELS)))
        more = {"features and model": model, "features and agreement": agreeing(asked)}
        found |= {"model": model} | {name: np.concatenate([found["features"], one], 2) for name, one in more.items()}
        written = BytesIO()
        np.savez(written, **found)
        kept.with_suffix(".partial").write_bytes(written.getvalue())
        kept.with_suffix(".partial").replace(kept)
    with np.load(kept) as stored:
        return dict(stored)


def trusters(asked: Sequence[Asked], parts: Split, features: dict[str, Array], transformer: Array | None) -> Any:
    """Scores of each Truster, and how well each does."""
    scores, told = dict[str, Array](), dict[str, Any]()
    for name, found in features.items():
        started = time.monotonic()
        scores[name] = bradley_terry(found, asked, parts).scores(found)
        told[name] = {"seconds": time.monotonic() - started}
    if transformer is not None:
        scores["transformer"] = transformer
        scores["both"] = together(asked, parts, scores["features"], transformer)
    for name, found in scores.items():
        shares = {part: won(found, pairs(asked, getattr(parts, part))) for part in ("train", "validation", "test")}
        told[name] = told.get(name, {}) | shares
    return scores, told


def together(asked: Sequence[Asked], parts: Split, one: Array, other: Array) -> Array:
    """The sum of both scores, the second with the weight that wins most pairs of the validation part."""
    held = pairs(asked, parts.validation)
    weights = [share * one.std() / other.std() for share in (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)]
    return one + max(weights, key=lambda weight: won(one + weight * other, held)) * other


def askers(asked: Sequence[Asked], parts: Split, features: dict[str, Array]) -> Any:
    """Doubts of each Asker, and the area under its curve with an interval over questions."""
    doubts, told = dict[str, Array](), dict[str, Any]()
    wrong = [not right for at in parts.test for right in asked[at].right]
    names = [asked[at].id for at in parts.test for _ in asked[at].right]
    for name, found in features.items():
        doubts[name] = logistic(found, asked, parts).probabilities(found)
        told[name] = area_over_problems(doubts[name][parts.test].ravel().tolist(), wrong, names)._asdict()
    return doubts, told


def measured(out: Path, asked: Sequence[Asked], features: dict[str, Array], seed: int, start: Any) -> dict[str, Any]:
    """All of one split, unless it is there."""
    kept = out / f"split-{seed}" / ("features.json" if start is None else "found.json")
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        parts, transformer, trained = split(len(asked), seed), None, {}
        if start is not None:
            student = ranker_of(kept.parent, asked, parts.train, start, seed)
            transformer = np.array(scores_of(student, asked, kept.with_name("scores.json")))
            trained = {"seconds": student.measurements["training"]["seconds"]}
        scores, trust = trusters(asked, parts, features, transformer)
        if trained:
            trust["transformer"] |= trained
        doubts, ask = askers(asked, parts, features)
        chosen = max((name for name in CHOICES if name in scores), key=lambda name: trust[name]["validation"])
        found = {
            "questions": {part: len(getattr(parts, part)) for part in ("train", "validation", "test")},
            "pairs": {part: len(pairs(asked, getattr(parts, part))) for part in ("train", "validation", "test")},
            "trusters": trust,
            "chosen": chosen,
            "askers": ask,
            "selection": selection(asked, parts, scores),
            "sweep": of_all_pairs(asked, parts, doubts["features"], scores[chosen]),
            "sweep with model": of_all_pairs(asked, parts, doubts[KNOWN], scores[KNOWN]),
        }
        write_whole(kept, json.dumps(found))
        print(f"split {seed}: {chosen}, {trust[chosen]}", flush=True)
    return json.loads(kept.read_text())


def over_splits(values: Sequence[float]) -> dict[str, Any]:
    """Mean with Student's interval, and with Nadeau and Bengio's (2003), which heeds that the splits share questions."""
    low, high = student_interval(values)
    middle = mean(values)
    wider = sqrt(1 + len(values) * TEST / (1 - TEST))
    return {
        "mean": middle,
        "interval": [low, high],
        "corrected": [middle - (middle - low) * wider, middle + (high - middle) * wider],
        "runs": list(values),
    }


Read = Callable[[dict[str, Any]], float]
"""A figure out of what was found of one split, or of one pair of models."""


def at(*path: str) -> Read:
    """The figure at a place."""
    return lambda found: reduce(getitem, path, found)  # type: ignore[arg-type]


def compared(found: Sequence[dict[str, Any]], read: Read, others: dict[str, Read]) -> dict[str, Any]:
    """A figure over the splits, and how much more it is than others on the same splits."""
    more = {name: over_splits([read(one) - other(one) for one in found]) for name, other in others.items()}
    return over_splits([read(one) for one in found]) | {"more than": more}


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every figure over the splits."""
    first = found[0]
    against = {name: at("selection", name) for name in ("best single", "majority")}
    selected = {name: compared(found, at("selection", name), against) for name in first["selection"]}
    return {
        "trusters": {name: of_truster(found, name) for name in first["trusters"]},
        "chosen": [one["chosen"] for one in found],
        "askers": {name: of_asker(found, name) for name in first["askers"]},
        "selection": selected,
        **{
            name: {pair: of_sweep([one[name][pair] for one in found]) for pair in first[name]}
            for name in ("sweep", "sweep with model")
        },
    }


def of_truster(found: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """Share of the test part's pairs that it ranks right, and of the training part's; seconds of training."""
    others = {other: at("trusters", other, "test") for other in ("surface", "features")}
    told = compared(found, at("trusters", name, "test"), others)
    known = [key for key in ("train", "seconds") if key in found[0]["trusters"][name]]
    return told | {key: mean(map(at("trusters", name, key), found)) for key in known}


def of_asker(found: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """The area under its curve; `each` has the interval over questions of every split."""
    told = compared(found, at("askers", name, "value"), {"surface": at("askers", "surface", "value")})
    return told | {"each": [one["askers"][name] for one in found]}


def of_sweep(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One pair of models: every way, and what Asker and Truster together gain over each other one."""
    named = ("always, most_recent", "always, truster", "asker, most_recent")
    ways = {name: at(name) for name in ("first", "second")} | {name: at(name, "accuracy") for name in named}
    both = compared(found, at("asker, truster", "accuracy"), ways)
    both |= {
        name: mean(map(at("asker, truster", name), found)) for name in ("rate", "wrong_to_right", "right_to_wrong")
    }
    curves = {name: np.mean([one[name] for one in found], 0).tolist() for name in found[0] if name.startswith("curve")}
    return (
        {name: over_splits(list(map(read, found))) for name, read in ways.items()} | curves | {"asker, truster": both}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/solutions"))
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--no-transformer", action="store_true", help="features alone: a minute")
    given = parser.parse_args()
    data = Path(os.environ["LANGDISTILL_DATA"])
    given.out.mkdir(parents=True, exist_ok=True)
    asked = read_solutions(data)
    start = None if given.no_transformer else pretrained(given.out, read_training(data))
    features = features_of(given.out, data, asked)
    found = [measured(given.out, asked, features, seed, start) for seed in range(given.splits)]
    every = list(range(len(asked)))
    having = pairs(asked, every)
    told = {
        "command": f"python benchmarks/solutions.py --out {given.out}" + (" --no-transformer" if start is None else ""),
        "versions": versions(),
        "splits": given.splits,
        "questions": {"all": len(asked), "with pairs": len({one.question for one in having}), "any right": sum(any(one.right) for one in asked)},
        "pairs": len(having),
        "features": {"surface": len(SURFACE), "checks": len(CHECKS), "all": features["features"].shape[-1]},
        "parts": [{"questions": one["questions"], "pairs": one["pairs"]} for one in found],
        "pretraining": start and start.measurements["training"],
        **summary(found),
    }  # fmt: skip
    write_whole(RESULTS, json.dumps(told, indent=1) + "\n")
    print(json.dumps({name: told[name] for name in ("trusters", "chosen", "selection")}, indent=1))


if __name__ == "__main__":
    main()
