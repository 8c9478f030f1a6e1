"""rStar on the embedded model, beside other ways to spend completions: accuracy against tokens on chained arithmetic.

    python benchmarks/search_on_the_lab.py --out runs/search

The model was taught the search's requests on questions of the pool `train` (langdistill/lab/search/lessons.py), and is shown what is left of
a chain in place of the steps so far (reading.py): one adapter answers in every arm, another one, of other questions and another seed, is
the discriminator. All sample at temperature 1.2, judgements at 0.7; of 60 questions of `dev` single solutions were right on 59 % there, by an earlier
adapter. Seeds 1 to 3 were used up in setting this up. Each seed has questions of `final`, adapters and samples of its own. Its self-consistency is drawn
once, and fewer samples are its first ones; "at the tokens of" an arm are so many samples a
question that what is read and generated is as much on the average, the discriminator's part included, or as many as were
drawn. Gold answers are read after
everything ran. A run that was interrupted goes on with the same command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from langdistill.answers import same
from langdistill.intervals import told_over_seeds
from langdistill.lab.demo import versions
from langdistill.lab.processes import Progress, side_by_side
from langdistill.lab.search.arms import DEEP, Branch, Outcome, Search, Vote, any_right, samples_at, voted
from langdistill.lab.search.comparing import Cost
from langdistill.lab.search.loop import Arm, SearchLoop, Settings
from langdistill.students import decoding

RESULTS = Path(__file__).with_name("results") / "search_on_the_lab.json"
SEEDS = 3
LOWEST = 4
"""The first seed; with 1 to 3 the search was set up."""
ROLLOUTS = (2, 4, 8, 16)
MOST = max(ROLLOUTS)
EQUAL = ROLLOUTS[:-1]
"""Rollouts that self-consistency is compared with at equal tokens."""
SAMPLES = (1, 4, 16, 64, 256)
DRAWN = max(SAMPLES)
"""Samples of self-consistency; those that cost as much as the most rollouts would be more, and are not drawn."""
FEW = 4
"""Rows that a batch is filled up to. A search's prompts are of many lengths, so its batches are small; filled up to the usual 32 they take many
times as long. A logit may then differ in its last bits from batch to batch."""


def arms(settings: Settings) -> dict[str, Arm]:
    """What is run; what is told of it are `rows`."""
    deep = replace(DEEP, temperature=settings.temperature)
    alone = replace(deep, grammar=deep.grammar.without({"A1", "A2", "A4", "A5"}))
    return {
        "votes": Vote(DRAWN, settings.temperature),
        **{f"rstar-{some}": Search(replace(deep, rollouts=some)) for some in ROLLOUTS},
        "rap": Search(alone),
        "thoughts": Branch(settings.temperature),
    }


def rows(ran: Mapping[str, Outcome], equal: Mapping[str, int]) -> dict[str, Outcome]:
    """Every arm's outcome on a question.

    Args:
        ran: run to what became of the question.
        equal: run to the samples that take as many tokens.
    """
    votes, found = ran["votes"], dict[str, Outcome]()
    for some in SAMPLES:
        found["one chain of thought" if some == 1 else f"self-consistency, {some}"] = voted(votes, some)
    for some in ROLLOUTS:
        found |= searched(f"rStar, {some} rollouts", ran[f"rstar-{some}"])
    for some in EQUAL:
        found[f"self-consistency, tokens of {some} rollouts"] = voted(votes, equal[f"rstar-{some}"])
    found |= searched("A3 alone (RAP-like)", ran["rap"])
    found["self-consistency, tokens of A3 alone"] = voted(votes, equal["rap"])
    found["Tree of Thoughts (value)"] = ran["thoughts"]
    found["self-consistency, tokens of Tree of Thoughts"] = voted(votes, equal["thoughts"])
    return found


def searched(name: str, outcome: Outcome) -> dict[str, Outcome]:
    """A search with and without its second model."""
    alone = outcome.model_copy(update={"answer": outcome.by_majority, "checking": Cost(0, 0, 0)})
    return {name: outcome, f"{name}, majority": alone}


PAIRS = (
    *((f"rStar, {some} rollouts", f"self-consistency, tokens of {some} rollouts") for some in EQUAL),
    (f"rStar, {MOST} rollouts", f"self-consistency, {DRAWN}"),
    *((f"rStar, {some} rollouts", f"rStar, {some} rollouts, majority") for some in ROLLOUTS),
    (f"rStar, {MOST} rollouts", "A3 alone (RAP-like)"),
    ("A3 alone (RAP-like)", "A3 alone (RAP-like), majority"),
    ("A3 alone (RAP-like)", "self-consistency, tokens of A3 alone"),
    (f"rStar, {MOST} rollouts", "Tree of Thoughts (value)"),
    ("Tree of Thoughts (value)", "self-consistency, tokens of Tree of Thoughts"),
)
ORACLES = {
    f"rstar-{MOST}": f"rStar, {MOST} rollouts",
    "rap": "A3 alone (RAP-like)",
    "thoughts": "Tree of Thoughts (value)",
}
"""Run to what it is called, of those of which it is told whether any trace was right."""
AMOUNTS: dict[str, Callable[[Outcome], float]] = {
    "completions": lambda one: one.cost.completions + one.checking.completions,
    "read": lambda one: one.cost.read + one.checking.read,
    "generated": lambda one: one.cost.generated + one.checking.generated,
    "tokens": lambda one: one.cost.tokens + one.checking.tokens,
}


def measured(seed: int, out: Path, settings: Settings, progress: Progress) -> dict[str, Any]:
    """What a seed comes to: by arm the share of right answers and what a question took; and the oracle's share."""
    decoding.ROWS = FEW
    loop = SearchLoop(seed, out / f"seed-{seed}", progress, settings)
    ran = {name: loop.outcomes(name, arm) for name, arm in arms(settings).items()}
    gold = loop.questions("final").gold
    equal = {
        name: min(DRAWN, samples_at(list(ran["votes"].values()), list(outcomes.values())))
        for name, outcomes in ran.items()
        if name != "votes"
    }
    told = {id: rows({name: outcomes[id] for name, outcomes in ran.items()}, equal) for id in gold}
    return {
        "arms": {
            arm: {"accuracy": mean(_right(row[arm], gold[id]) for id, row in told.items())}
            | {name: mean(of(row[arm]) for row in told.values()) for name, of in AMOUNTS.items()}
            for arm in next(iter(told.values()))
        }
        | {f"{said}, oracle: any trace right": oracle(ran[name], gold) for name, said in ORACLES.items()},
        "single_samples": mean(mean(_right(voted_for, gold[id]) for voted_for in _each(ran["votes"][id])) for id in gold),
    }  # fmt: skip


def oracle(outcomes: Mapping[str, Outcome], gold: Mapping[str, str]) -> dict[str, float]:
    """What a search would come to that is told the right answer: no choice among its traces can be better."""
    found = {"accuracy": mean(any_right(one, gold[id]) for id, one in outcomes.items())}
    return found | {name: mean(of(one) for one in outcomes.values()) for name, of in AMOUNTS.items()}


def _each(votes: Outcome) -> list[Outcome]:
    return [Outcome(answer=one) for one in votes.found]


def _right(outcome: Outcome, gold: str) -> bool:
    return outcome.answer is not None and same(outcome.answer, gold)


def together(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Over the seeds; differences are paired by seed."""
    of = [one["arms"] for one in found]
    return {
        "single_samples": told_over_seeds([one["single_samples"] for one in found]),
        "arms": {
            arm: {name: told_over_seeds([one[arm][name] for one in of], share=name == "accuracy") for name in of[0][arm]}
            for arm in of[0]
        },
        "differences": {
            f"{one} - {other}": told_over_seeds([seed[one]["accuracy"] - seed[other]["accuracy"] for seed in of], share=False)
            for one, other in PAIRS
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/search"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()

    def show(step: str, done: int, of: int) -> None:
        print(f"{step} {done} of {of}", flush=True)

    settings = Settings()
    pieces = {f"seed {seed}": (seed, given.out, settings) for seed in range(LOWEST, LOWEST + given.seeds)}
    found = list(side_by_side(measured, pieces, jobs=given.jobs, progress=show).values())
    result: dict[str, Any] = {
        "command": "python benchmarks/search_on_the_lab.py --out runs/search"
        + ("" if given.seeds == SEEDS else f" --seeds {given.seeds}"),
        "versions": versions(),
        "seeds": given.seeds,
        "settings": settings.model_dump(),
        "accuracy": together(found),
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: one["accuracy"] for name, one in result["accuracy"]["arms"].items()}, indent=1))


if __name__ == "__main__":
    main()
