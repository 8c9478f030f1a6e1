"""Whether an attempt is a good one: by the vote, by what users said, or by gold answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from langdistill.answers import same
from langdistill.datasets.attempts import Attempt, by_feedback
from langdistill.datasets.taking import Taking
from langdistill.errors import UnknownName
from langdistill.filters.gold import Gold, gold_of
from langdistill.groups import Group
from langdistill.votes import vote

Judge = Callable[[Attempt, Group], bool | None]
"""Whether an attempt is one to imitate; `None` where that cannot be said."""


def with_the_vote(attempt: Attempt, group: Group) -> bool | None:
    """Whether it gave the answer that leads; nobody can say without an answer, or where the lead is tied."""
    leading = vote(group.answers).answer
    return None if leading is None or attempt.answer is None else same(attempt.answer, leading)


@dataclass(frozen=True)
class Liked:
    """See `liked`."""

    at_least: float = 0.5

    @property
    def name(self) -> str:
        """As a manifest tells it."""
        return f"liked(at_least={self.at_least})"

    def __call__(self, attempt: Attempt, group: Group) -> bool | None:
        """Compare the mean score of what users said of its run."""
        score = by_feedback(attempt, group)
        return None if score is None else score >= self.at_least


liked = Liked()
"""Whether users gave its run a score of half or more on average; nobody can say of a run without feedback, or that showed another
answer. `Liked(at_least=...)` has another bound."""


@dataclass(frozen=True)
class ByGold:
    """See `by_gold`."""

    gold: Gold
    supervised: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """As a manifest tells it: how many answers, and their digest."""
        return f"by_gold({self.gold.name})"

    def __call__(self, attempt: Attempt, group: Group) -> bool | None:
        """Compare the attempt's answer with the gold one; an attempt without an answer is wrong."""
        gold = self.gold.answers.get(group.problem)
        if gold is None:
            return None
        return attempt.answer is not None and same(attempt.answer, gold)


def by_gold(gold: Mapping[str, str] | str | Path) -> ByGold:
    """Whether it is right. The manifest and the card of a data set made with it say "supervised"; nothing else reads the answers.

    Args:
        gold: problem to answer, or a file as of the filter `correct`. Nobody can say of a problem that is not in it.

    Raises:
        DatasetError: the file cannot be read.
    """
    return ByGold(gold_of(gold))


def find_judge(name: str) -> Callable[..., Judge]:
    """What makes the judge of that name.

    Raises:
        UnknownName: there is none.
    """
    made: dict[str, Callable[..., Judge]] = {
        "by_gold": by_gold,
        "liked": Liked,
        "with_the_vote": lambda: with_the_vote,
    }
    if name not in made:
        raise UnknownName("judge", name, made)
    return made[name]


@dataclass(frozen=True)
class ByJudge(Taking):
    """A target whose rows a judge has sorted."""

    judge: Judge

    @property
    def supervised(self) -> bool:
        """Whether its judge reads gold answers."""
        return reads_gold(self.judge)


def reads_gold(judge: Judge | None) -> bool:
    """Whether a judge is told right answers."""
    return bool(getattr(judge, "supervised", False))
