"""Rules that stop sampling early against a fixed forty samples, replayed over votes: simulated ones and recorded ones.

    python benchmarks/stopping.py                         # replays; recorded votes come from benchmarks/results/votes.json
    python benchmarks/stopping.py --record                # samples the embedded model first (15 minutes)
    LANGDISTILL_DATA=... python benchmarks/stopping.py    # and GPT-4's samples of the game of 24, where they are at hand

Every rule sees the same votes in the same order, so the differences are paired. The interval is that of the paired difference
over questions (normal approximation).
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import mean, stdev
from typing import Any, NamedTuple

from langdistill.answers import final_answer, same
from langdistill.votes import Stop, adaptive_consistency, early_stopping, fixed, leader

RESULTS = Path(__file__).with_name("results")
MOST = 40
RULES = {"fixed 40": fixed, "adaptive_consistency": adaptive_consistency(), "early_stopping": early_stopping()}


class Asked(NamedTuple):
    """One question: its votes in sample order, and the right answer."""

    votes: Sequence[str | None]
    gold: str


def replay(stop: Stop, votes: Sequence[str | None]) -> tuple[str | None, int]:
    """The elected answer, and how many samples were drawn for it."""
    drawn = 0
    while drawn < MOST and not stop.enough(votes[:drawn]):
        drawn = min(MOST, drawn + (stop.batch or MOST))
    at = leader(votes[:drawn])
    return None if at is None else votes[at], drawn


def compare(asked: Sequence[Asked]) -> dict[str, Any]:
    """Accuracy and samples of every rule, with the difference from the fixed forty."""
    told: dict[str, Any] = {}
    base = [same(replay(fixed, one.votes)[0], one.gold) for one in asked]
    for name, stop in RULES.items():
        outcomes = [replay(stop, one.votes) for one in asked]
        right = [same(answer, one.gold) for (answer, _), one in zip(outcomes, asked, strict=True)]
        differences = [float(a) - float(b) for a, b in zip(right, base, strict=True)]
        told[name] = {
            "accuracy": mean(right),
            "samples": mean(drawn for _, drawn in outcomes),
            "difference": mean(differences),
            "interval": 1.96 * stdev(differences) / len(differences) ** 0.5,
            "n": len(asked),
        }
    return told


def simulated(p: float, wrong: int, questions: int = 2000, seed: int = 0) -> list[Asked]:
    """Votes of a model that is right with a chance of `p` on average, and else gives one of so many wrong answers.

    Questions differ in difficulty: each has its own chance, drawn from a Beta of mean `p`.
    """
    rng = Random(f"{p}-{wrong}-{seed}")
    asked: list[Asked] = []
    for _ in range(questions):
        chance = rng.betavariate(4 * p, 4 * (1 - p))
        votes = ["right" if rng.random() < chance else f"wrong {rng.randrange(wrong)}" for _ in range(MOST)]
        asked.append(Asked(votes, "right"))
    return asked


def record(temperatures: Sequence[float], questions: int = 100) -> dict[str, list[Any]]:
    """Forty samples of the embedded model for each question of letters, at every temperature."""
    from langchain_core.messages import HumanMessage

    from langdistill.lab import lab_model
    from langdistill.lab.tasks import TASKS
    from langdistill.prompts import STEP_BY_STEP, fill

    draw = TASKS["letters"].draw(questions, seed=7, pool="final")
    told: dict[str, list[Any]] = {}
    for temperature in temperatures:
        model = lab_model(max_tokens=160, n=MOST, temperature=temperature)
        prompts = [fill(STEP_BY_STEP, question=problem.question) for problem in draw.problems]
        replies = [model.generate([[HumanMessage(prompt)]]).generations[0] for prompt in prompts]
        told[f"letters, temperature {temperature}"] = [
            {"votes": [final_answer(reply.text) for reply in found], "gold": draw.gold[problem.id]}
            for found, problem in zip(replies, draw.problems, strict=True)
        ]
        print(f"recorded {questions} questions at temperature {temperature}", flush=True)
    return told


def game_of_24(folder: Path) -> list[Asked]:
    """GPT-4's samples; gold is any expression that uses the four numbers once and is 24, so votes are judged one by one."""
    rows = json.loads((folder / "tot/game24/gpt-4_0.7_naive_cot_sample_100_start900_end1000.json").read_text())
    asked: list[Asked] = []
    for row in rows:
        votes = [expression(text) for text in row["ys"][:MOST]]
        right = [vote for vote, info in zip(votes, row["infos"], strict=False) if vote and info["r"]]
        # every right expression is told as one answer, so that spelling decides neither the vote nor the grade
        asked.append(Asked(["right" if vote in right else vote for vote in votes], "right"))
    return asked


def expression(text: str) -> str | None:
    found = re.findall(r"Answer:\s*(.+?)\s*=", text)
    return found[-1] if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true")
    told = parser.parse_args()
    if told.record:
        (RESULTS / "votes.json").write_text(json.dumps(record([0.7, 1.2, 1.5]), separators=(",", ":")) + "\n")
    sources = {
        f"simulated, p = {p}, {wrong} wrong answers": simulated(p, wrong)
        for p in (0.9, 0.75, 0.6)
        for wrong in (1, 4, 50)
    }
    for name, rows in json.loads((RESULTS / "votes.json").read_text()).items():
        sources[f"embedded model, {name}"] = [Asked(row["votes"], row["gold"]) for row in rows]
    if folder := os.environ.get("LANGDISTILL_DATA"):
        sources["GPT-4, game of 24"] = game_of_24(Path(folder))
    results = {name: compare(asked) for name, asked in sources.items()}
    for name, rules in results.items():
        print(
            name,
            *(f"{rule}: {100 * row['accuracy']:.1f} % with {row['samples']:.1f}" for rule, row in rules.items()),
            sep=" | ",
        )
    told_all = {"command": "python benchmarks/stopping.py", "sources": results}
    (RESULTS / "stopping.json").write_text(json.dumps(told_all, indent=1) + "\n")


if __name__ == "__main__":
    main()
