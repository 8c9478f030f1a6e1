"""Novelty of 6,000 candidates against a pool of 52,000 texts, beside rouge-score: ``python benchmarks/novelty.py``.

The texts are real questions and instructions (GSM8K, SVAMP, StrategyQA, AQuA, MATH-500, MultiArith, Self-Instruct's seeds and
user-oriented tasks, Glaive's dialogues; `LANGDISTILL_DATA` names the folder), some 14,000. The pool is these, extended with a
fixed seed by recombination: the first sentences of one text and the last of another of its set. The candidates are made the same
way with another seed; of every third, then, some tokens are replaced by those of another text, or it is a text of the pool so
treated, so that pairs of every similarity are there.

rouge-score cannot finish the 312 million pairs: it is timed on pairs drawn at random and projected, in this process as all the rest,
once as its users call it and once with all texts tokenised beforehand. That no pair at or above 0.7 is missed is checked against
every pair of some of the candidates.
"""

from __future__ import annotations

import json
import os
import platform
import re
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any

import rapidfuzz
from rapidfuzz import process
from rapidfuzz.distance import Indel
from rouge_score import rouge_scorer

from langdistill.similarity.pool_index import PoolIndex
from langdistill.similarity.rouge_l import SCREENING, f1, spelled, words

RESULTS = Path(__file__).with_name("results")
THRESHOLD = 0.7
SIZES = (6_500, 13_000, 26_000, 52_000)
CANDIDATES, CHECKED, PAIRS = 6_000, 600, 5_000


def real_sets(data: Path) -> dict[str, list[str]]:
    """Each set's distinct texts."""

    def rows(name: str) -> list[Any]:
        text = (data / name).read_text()
        return json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]

    def instruction(row: Any) -> str:
        return f"{row['instruction']}\n{row['instances'][0]['input']}".strip()

    found = {
        "gsm8k": [row["question"] for name in ("train", "test") for row in rows(f"gsm8k/{name}.jsonl")],
        "svamp": [f"{row['Body']} {row['Question']}" for row in rows("svamp/SVAMP.json")],
        "strategyqa": [row["question"] for name in ("train", "dev") for row in rows(f"strategyqa/{name}.json")],
        "rstar": [row["problem"] for name in ("MATH", "MULTIARITH") for row in rows(f"rstar_data/{name}_test_all.json")],
        "aqua": [row["input"] for row in rows("pal/aqua.jsonl")],
        "self_instruct": [
            instruction(row) for name in ("seed_tasks", "user_oriented_instructions") for row in rows(f"self_instruct/{name}.jsonl")
        ],
        "glaive": [
            turn["value"]
            for row in rows("llamafactory_demo/glaive_toolcall_en_demo.json")
            for turn in row["conversations"]
            if turn["from"] == "human"
        ],
    }  # fmt: skip
    return {name: list(dict.fromkeys(text for text in texts if words(text))) for name, texts in found.items()}


def recombined(sets: dict[str, list[str]], seed: int) -> Iterator[str]:
    """Texts without end: the first sentences of one, the last of another of its set."""
    dice = Random(seed)
    names = list(sets)
    weights = [len(sets[name]) for name in names]
    while True:
        [name] = dice.choices(names, weights)
        first, last = (re.split(r"(?<=[.?!,;:\n]) ", dice.choice(sets[name])) for _ in range(2))
        yield " ".join(first[: dice.randint(1, len(first))] + last[dice.randint(0, len(last) - 1) :])


def changed(text: str, other: str, dice: Random) -> str:
    """The text with some of its tokens replaced."""
    share, instead = dice.uniform(0.05, 0.5), words(other)
    return " ".join(dice.choice(instead) if dice.random() < share else token for token in words(text))


def texts(data: Path) -> tuple[list[str], list[str], int]:
    """The pool in a random order, the candidates, and how many texts of the pool are unchanged real ones."""
    sets = real_sets(data)
    real = [text for found in sets.values() for text in found]
    known = dict.fromkeys(real)
    for text in recombined(sets, seed=1):
        if len(known) >= SIZES[-1]:
            break
        known.setdefault(text)
    pool, dice = list(known), Random(2)
    dice.shuffle(pool)
    fresh = recombined(sets, seed=3)
    made = [next(fresh) for _ in range(CANDIDATES)]
    candidates = [
        changed(text if at % 6 else dice.choice(pool), dice.choice(real), dice) if at % 3 == 0 else text
        for at, text in enumerate(made)
    ]
    return pool, candidates, len(real)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of this process alone, which other work on the machine does not lengthen much, and what came of it."""
    started = process_time()
    found = work()
    return process_time() - started, found


def against(pool: list[str], candidates: list[str]) -> tuple[dict[str, Any], list[float]]:
    """Time of the index and of the search, comparisons, and each candidate's similarity, 0 below the threshold."""
    started = perf_counter()
    building, index = timed(lambda: PoolIndex(pool, threshold=THRESHOLD))
    searching, found = timed(lambda: [index.nearest(text) for text in candidates])
    wall = perf_counter() - started
    compared = sum(index.comparisons(text) for text in candidates[:CHECKED]) / CHECKED
    row = {
        "pool": len(pool),
        "seconds_index": round(building, 2),
        "seconds_search": round(searching, 2),
        "seconds": round(building + searching, 2),
        "seconds_on_the_clock": round(wall, 2),
        "compared_with": round(compared, 1),
        "not_novel": sum(near is not None for near in found),
    }
    return row, [near.score if near else 0.0 for near in found]


def exhaustive(pool: list[str], candidates: list[str]) -> tuple[float, list[float]]:
    """Every pair by RapidFuzz alone: seconds, and each candidate's similarity, 0 below the threshold."""
    numbers: dict[str, int] = {}
    letters = [
        spelled([numbers.setdefault(token, len(numbers)) for token in words(text)]) for text in pool + candidates
    ]
    known, asked = letters[: len(pool)], letters[len(pool) :]

    def best(query: Any) -> float:
        near = process.extract_iter(
            query, known, scorer=Indel.normalized_similarity, score_cutoff=THRESHOLD - SCREENING
        )
        scores = [f1(query, choice) for choice, *_ in near]
        return max([score for score in scores if score >= THRESHOLD], default=0.0)

    return timed(lambda: [best(query) for query in asked])


def peers(pool: list[str], candidates: list[str]) -> dict[str, Any]:
    """Microseconds a pair of rouge-score, the projection to all of them, and how far its figures are from ours."""
    dice = Random(4)
    pairs = [(dice.choice(candidates), dice.choice(pool)) for _ in range(PAIRS)]
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    plain, scores = timed(lambda: [scorer.score(other, one)["rougeL"].fmeasure for one, other in pairs])
    cut = [(words(one), words(other)) for one, other in pairs]
    tokenised, _ = timed(lambda: [rouge_scorer._score_lcs(other, one).fmeasure for one, other in cut])
    ours = [rouge(one, other) for one, other in cut]
    total = len(pool) * len(candidates)
    return {
        "pairs_timed": PAIRS,
        "pairs": total,
        "microseconds": round(plain / PAIRS * 1e6, 1),
        "hours_projected": round(plain / PAIRS * total / 3600, 1),
        "microseconds_tokenised": round(tokenised / PAIRS * 1e6, 1),
        "hours_projected_tokenised": round(tokenised / PAIRS * total / 3600, 1),
        "largest_difference": max(abs(a - b) for a, b in zip(scores, ours, strict=True)),
    }


def rouge(one: list[str], other: list[str]) -> float:
    numbers: dict[str, int] = {}
    return f1(*(spelled([numbers.setdefault(token, len(numbers)) for token in text]) for text in (one, other)))


def main() -> None:
    pool, candidates, real = texts(Path(os.environ["LANGDISTILL_DATA"]))
    rows: list[dict[str, Any]] = []
    scores: list[float] = []
    for size in SIZES:
        row, scores = against(pool[:size], candidates)
        rows.append(row)
        print(row, flush=True)
    seconds, every = exhaustive(pool, candidates[:CHECKED])
    told = {
        "command": "python benchmarks/novelty.py",
        "python": platform.python_version(),
        "rapidfuzz": rapidfuzz.__version__,
        "threshold": THRESHOLD,
        "candidates": len(candidates),
        "real_texts": real,
        "tokens_of_a_text": round(sum(len(words(text)) for text in pool) / len(pool), 1),
        "rows": rows,
        "exhaustive": {
            "candidates": CHECKED,
            "similar": sum(score > 0 for score in every),
            "missed": sum(a > 0 and b == 0 for a, b in zip(every, scores, strict=False)),
            "other_score": sum(a != b for a, b in zip(every, scores, strict=False)),
            "seconds": round(seconds, 2),
            "seconds_projected": round(seconds / CHECKED * CANDIDATES, 1),
        },
        "rouge_score": peers(pool, candidates),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    (RESULTS / "novelty.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
