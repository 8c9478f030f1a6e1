"""What mining costs: the calls of each role, before a run by arithmetic and after it by count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from langdistill.budgets import Price
from langdistill.mining.discriminating import Judging
from langdistill.mining.generating import Writing
from langdistill.mining.pools import InstructionPools
from langdistill.records import Record

ROLES = ("teacher", "student", "referee", "generator")


class Account(Record):
    """Calls of one role, and tokens as far as its model told them."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def cost(self, price: Price) -> float:
        """In the price's currency."""
        return (self.input_tokens * price.input + self.output_tokens * price.output) / 1e6


@dataclass(frozen=True)
class Round:
    """The pools and calls of a round, before it is run."""

    round: int
    train: int
    cache: int
    teacher: int
    student: int
    referee: int
    generator: int
    """At least: what is not accepted is asked for again."""


def planned(
    seeds: int,
    *,
    rounds: int = 3,
    judging: Judging = Judging(),  # noqa: B008  frozen
    writing: Writing = Writing(),  # noqa: B008  frozen
) -> list[Round]:
    """The rounds of a run, and last the imitation of what the last round wrote.

    With the paper's 52,000 seeds, 6,000 a round and three rounds these are 70,000 calls of the teacher, 348,000 of the referee
    (174,000 without the swap) and at least 18,000 of the generator. The paper tells of about 360,000 in all, which cannot be
    reconstructed. With a band or with `alike` the referee's calls are the most there may be.
    """
    found: list[Round] = []
    train, cache = seeds, seeds
    written = sum(ceil(quota / writing.ways[half].expected) for half, quota in writing.quotas.items())
    for number in range(1, rounds + 1):
        judged = min(judging.sample or cache, cache)
        found.append(Round(number, train, cache, train, judged, judged * (2 if judging.swap else 1), written))
        train, cache = writing.per_round, cache + writing.per_round
    return [*found, Round(rounds + 1, train, cache, train, 0, 0, 0)]


def total(plan: list[Round]) -> dict[str, int]:
    """Calls of each role over all rounds."""
    return {role: sum(getattr(one, role) for one in plan) for role in ROLES}


def ledger(pools: InstructionPools) -> dict[str, Account]:
    """What a run has asked for and been given, by role: each reply once, however often the run was begun again."""
    answers = "SELECT count(*), sum(input_tokens), sum(output_tokens) FROM answer WHERE role = ?"
    queries: dict[str, tuple[Any, ...]] = {
        "teacher": (answers, "teacher"),
        "student": (answers, "student"),
        "referee": ("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM judgement",),
        "generator": ("SELECT coalesce(sum(replies), 0), sum(input_tokens), sum(output_tokens) FROM try",),
    }
    counts = {role: pools.count(*query) for role, query in queries.items()}
    return {
        role: Account(calls=calls, input_tokens=read, output_tokens=written)
        for role, (calls, read, written) in counts.items()
    }


def cost(found: Mapping[str, Account], prices: Mapping[str, Price]) -> dict[str, float]:
    """Money by role, of the roles that have a price."""
    return {role: account.cost(Price(*prices[role])) for role, account in found.items() if role in prices}
