"""Of a problem's runs keep as many, the successes among them with clean tool use (Shang et al., 2508.20722, GRPO-RoC)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.filters.reading.tool_errors import NO_TOOLS, tool_use
from langdistill.groups import Group
from langdistill.records import Example, Verdict, digest

FEWEST = 2
"""Rows of each side that stay at least, where there are as many."""
SMALLEST = 0.1
"""Added to a success's cost before its weight is taken as the inverse: one without an error is no infinite weight."""


@dataclass(frozen=True)
class ResampleOnCorrect(Filter):
    """See `resample_on_correct`."""

    keep: int | None
    seed: int

    def __call__(self, group: Group) -> Verdict:
        """Sample each side."""
        rows = group.rows
        good = [at for at, row in enumerate(rows) if row.good is True]
        bad = [at for at, row in enumerate(rows) if row.good is False]
        evidence = {"successes": len(good), "failures": len(bad)}
        if not good and not bad:
            return self.says(None, "no-rewards", evidence={"rows": len(rows)})
        if not good or not bad:
            return self.says(False, "equal-reward", evidence=evidence)
        dropped = {at: "no-reward" for at, row in enumerate(rows) if row.good is None}
        total = len(good) + len(bad)
        wanted = min(total, (total + 1) // 2 if self.keep is None else self.keep)
        draws = self._draws(rows)
        costs = {at: _cost(rows[at], group) for at in good}
        some, others = _shares(len(good), len(bad), wanted)
        staying = {
            *_drawn(good, some, {at: draws[at] * (SMALLEST + costs[at]) for at in good}),
            *_drawn(bad, others, {at: draws[at] for at in bad}),
        }
        dropped |= {at: "not-drawn" for at in (*good, *bad) if at not in staying}
        evidence |= {"kept": len(staying), "cost_before": _mean(costs, good), "cost_after": _mean(costs, staying)}
        return self.says(True, "resampled" if dropped else "all", evidence=evidence, dropped=dropped)

    def _draws(self, rows: Sequence[Example]) -> list[float]:
        """An exponential variate for each row, of the seed and what the row says: the same in any order and process."""
        met: Counter[str] = Counter()
        draws: list[float] = []
        for row in rows:
            content = row.content
            drawn = int(digest(str(self.seed), row.problem, content, str(met[content]))[:13], 16)
            met[content] += 1
            draws.append(-log((drawn + 1) / (16**13 + 1)))
        return draws


def resample_on_correct(*, keep: int | None = None, seed: int = 0) -> ResampleOnCorrect:
    """Sample a problem's rows: failures uniformly, successes towards few tool errors.

    The rows are the runs of the problem, their reward is `Example.good`. Each side keeps its share of `keep`, at least two where it
    has two. A success is drawn without replacement with a weight of 1 / (0.1 + cost), its cost being its share of failed tool calls
    plus that of malformed ones, 0.5 without tools (`tool_error_ratio`); weight and share are ours, the paper says only "towards". A
    problem whose runs all have the same reward teaches no difference and goes ("equal-reward"). Rows without a reward go
    ("no-reward"); without any reward it cannot judge ("no-rewards").

    Args:
        keep: rows per problem; half of them by default (the paper: 16 of 32).
        seed: of the draws, which depend on it and on what a row says alone.

    Raises:
        DatasetError: `keep` is below 4, two for each side.
    """
    if keep is not None and keep < 2 * FEWEST:
        raise DatasetError(f"resample_on_correct(keep={keep}) leaves less than two of each side; give 4 or more.")
    return ResampleOnCorrect(keep, seed)


def _shares(good: int, bad: int, wanted: int) -> tuple[int, int]:
    """How many of each side stay: the smaller gets its share of what is wanted, rounded half up, the other one the rest."""
    few, total = min(good, bad), good + bad
    share = min(few, max(FEWEST, (2 * wanted * few + total) // (2 * total)))
    rest = max(FEWEST, wanted - share)
    return (share, rest) if good <= bad else (rest, share)


def _drawn(side: Sequence[int], count: int, keys: dict[int, float]) -> list[int]:
    """The smallest keys: exponential variates over weights are a weighted sample without replacement (Efraimidis, Spirakis)."""
    return sorted(side, key=lambda at: (keys[at], at))[:count]


def _cost(row: Example, group: Group) -> float:
    use = tool_use(row, group)
    return NO_TOOLS if use is None else use.cost


def _mean(costs: dict[int, float], some: Sequence[int] | set[int]) -> float:
    found = [costs[at] for at in sorted(some) if at in costs]
    return round(sum(found) / len(found), 6) if found else 0.0
