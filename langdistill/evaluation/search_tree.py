"""A recorded search, read: who follows whom, the way to what was chosen, what the second model verified, and the answers counted.

Source of "verified": rStar (Qi et al., 2408.06195, section 3.3). What a recording does not hold together is shown all the same: a
thought whose parent does not stand before it begins a tree of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from langdistill.answers import normalise
from langdistill.records import Search, Thought


class Row(NamedTuple):
    """A line of the tree: a thought, or those beside it that nobody went to, together."""

    depth: int
    """Lines above that it hangs on."""
    thought: int | None
    """Index of the thought; `None` where several are meant."""
    untried: tuple[int, ...] = ()
    """Their indices."""


class Answered(NamedTuple):
    """An answer, with all thoughts that end in it."""

    answer: str
    """In the spelling that came first."""
    ways: int
    visited: int
    """Of these, how many a rollout ended in."""
    rewards: float
    """The sum of Q over them."""
    agreed: int
    completed: int
    verified: int
    """Ways that are verified."""
    chosen: bool


class SearchTree:
    """The thoughts of a search as a tree."""

    def __init__(self, search: Search, agree: float = 0.5) -> None:
        """Read a search.

        Args:
            search: as it was recorded.
            agree: share of the completions that must come to a thought's answer, for it to be verified; as of the search's settings,
                which are not in its recording.
        """
        self.thoughts = search.thoughts
        self.agree = agree
        self.chosen = search.chosen if search.chosen in range(len(search.thoughts)) else None
        self.parents = [one.parent if one.parent in range(at) else None for at, one in enumerate(search.thoughts)]

    @cached_property
    def children(self) -> list[list[int]]:
        """Of each thought those that follow it, in the order in which they came."""
        found: list[list[int]] = [[] for _ in self.thoughts]
        for at, parent in enumerate(self.parents):
            if parent is not None:
                found[parent].append(at)
        return found

    @cached_property
    def depths(self) -> list[int]:
        """Steps from the root."""
        found = list[int]()
        for parent in self.parents:
            found.append(0 if parent is None else found[parent] + 1)
        return found

    @cached_property
    def sizes(self) -> list[int]:
        """Thoughts that hang on each, itself included."""
        found = [1] * len(self.thoughts)
        for at in reversed(range(len(found))):
            if (parent := self.parents[at]) is not None:
                found[parent] += found[at]
        return found

    @cached_property
    def path(self) -> frozenset[int]:
        """The thoughts on the way to what was chosen, itself included."""
        return self._ways_to([] if self.chosen is None else [self.chosen])

    @cached_property
    def verified(self) -> frozenset[int]:
        """Thoughts whose answer enough completions of the second model came to."""
        return frozenset(
            at for at, one in enumerate(self.thoughts) if one.completed and one.agreed / one.completed >= self.agree
        )

    @cached_property
    def to_verified(self) -> frozenset[int]:
        """The thoughts on the ways to those that are verified, themselves included."""
        return self._ways_to(self.verified)

    @cached_property
    def tried(self) -> frozenset[int]:
        """Thoughts that somebody went to, or to something that hangs on them; and what was chosen, in any case."""
        return self._ways_to(at for at, one in enumerate(self.thoughts) if one.visits) | self.path

    def mean(self, index: int) -> float | None:
        """Q/N; `None` for a thought that nobody went to."""
        one = self.thoughts[index]
        return one.value / one.visits if one.visits else None

    def rows(self) -> Iterator[Row]:
        """Every line, from the top: under a thought first what was tried, then the rest in a line of its own that they hang on."""
        stack = [Row(0, at) for at, parent in enumerate(self.parents) if parent is None][::-1]
        while stack:
            row = stack.pop()
            yield row
            stack += reversed(self._below(row))

    @property
    def answers(self) -> list[Answered]:
        """Every answer: that of the largest rewards first, of equal ones that which came first."""
        found = dict[str, list[int]]()
        for at, one in enumerate(self.thoughts):
            if one.answer is not None:
                found.setdefault(normalise(one.answer), []).append(at)
        return sorted(map(self._answered, found.values()), key=lambda one: -one.rewards)

    def _below(self, row: Row) -> list[Row]:
        if row.thought is None:
            return [Row(row.depth + 1, at) for at in row.untried]
        children = self.children[row.thought]
        if row.thought not in self.tried:
            return [Row(row.depth + 1, at) for at in children]
        rest = tuple(at for at in children if at not in self.tried)
        tried = [Row(row.depth + 1, at) for at in children if at in self.tried]
        return [*tried, Row(row.depth + 1, None, rest)] if rest else tried

    def _answered(self, ways: list[int]) -> Answered:
        some: list[Thought] = [self.thoughts[at] for at in ways]
        return Answered(
            answer=some[0].answer or "",
            ways=len(some),
            visited=sum(one.visits > 0 for one in some),
            rewards=sum(one.value for one in some),
            agreed=sum(one.agreed for one in some),
            completed=sum(one.completed for one in some),
            verified=len(self.verified.intersection(ways)),
            chosen=self.chosen in ways,
        )

    def _ways_to(self, ends: Iterable[int]) -> frozenset[int]:
        """These thoughts and all above them."""
        found = set[int]()
        for end in ends:
            at: int | None = end
            while at is not None and at not in found:
                found.add(at)
                at = self.parents[at]
        return frozenset(found)
