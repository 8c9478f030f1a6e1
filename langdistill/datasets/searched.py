"""What the recorded searches of a problem found: the ways from its question to answers, whichever run went them.

Steps that say the same after the same steps are one, so that several searches of a problem are one tree: N and Q of its steps are
sums, no way is told twice, and the order in which runs came plays no part.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any, NamedTuple

from langdistill.answers import same
from langdistill.datasets.attempts import Attempt
from langdistill.datasets.conversations import NOT_WHOLE
from langdistill.datasets.judging import Judge, reads_gold
from langdistill.datasets.rows import no_question
from langdistill.datasets.step_texts import inner_step, last_step, without_answer
from langdistill.datasets.taking import Taking, commonest
from langdistill.groups import Group, Rows, answers_of
from langdistill.recording.delivery.steps import stands
from langdistill.records import Example, Message, Search, Thought, Trace, digest

Steps = tuple[str, ...]
"""Steps from the question on, by what they say."""


class Rollouts(NamedTuple):
    """Those that went through a step."""

    visits: int
    """N."""
    value: float
    """Q: the sum of their rewards."""

    @property
    def mean(self) -> float:
        """Q/N."""
        return self.value / self.visits


@dataclass(frozen=True)
class Way:
    """A way to an answer that at least one rollout went to its end."""

    steps: Steps
    """The last ends in the line of the answer, and no other has one."""
    answer: str
    rollouts: tuple[Rollouts, ...]
    """Of each step."""
    agreed: int
    """Completions of a second model that came to the same answer."""
    completed: int
    """Completions that there were; 0 where nobody was asked."""
    traces: tuple[Trace, ...]
    """The runs that found it."""

    @property
    def end(self) -> Rollouts:
        """Those that ended here."""
        return self.rollouts[-1]

    @property
    def score(self) -> float:
        """Reward x confidence, as the search itself scores it (2408.06195, section 3.3): Q of the leaf times the share of its votes, Q/N."""
        return self.end.value * self.end.mean

    @property
    def content(self) -> str:
        """Digest of what it says: no order of answers hangs on their spelling."""
        return digest(self.steps)

    def is_verified(self, agree: float) -> bool:
        """Whether so large a share of the completions came to its answer; of none that is 0."""
        return (self.agreed / self.completed if self.completed else 0.0) >= agree

    def judged(self, judge: Judge, group: Group) -> bool | None:
        """What a judge says of it; nothing where it says one thing of one run and another of the next."""
        said = {judge(one, group) for one in self._attempts(group)} - {None}
        return said.pop() if len(said) == 1 else None

    def row(self, group: Group, *, beside: Sequence[Trace] = (), **fields: Any) -> Example:
        """A row in which the student says all of it."""
        [first, *_] = self._attempts(group)
        reasoning = without_answer(self.steps, self.answer)
        return first.row(group, beside=[*self.traces[1:], *beside], reasoning=reasoning, **fields)

    @property
    def target(self) -> list[Message]:
        """All steps in one message, a line each at the least."""
        return [{"role": "assistant", "content": "\n".join(self.steps)}]

    def _attempts(self, group: Group) -> list[Attempt]:
        """The same for each of its runs, as judges look at it: feedback is that of a run."""
        return [Attempt(trace, self.answer, group.question, self.target, []) for trace in self.traces]


@dataclass(frozen=True)
class Searched:
    """The searches of a problem."""

    ways: tuple[Way, ...] = ()
    """To answers, in the order of what they say."""
    dead_ends: Mapping[Steps, int] = field(default_factory=dict[Steps, int])
    """Where rollouts ended without an answer, and how many."""
    reason: str = "found"
    """Why there are no ways: "no-search"; "failed-runs" and the like; "other-answer": the run gave another answer than its search, which
    may have been about something else; "no-rollouts": a tree of judged states (Tree of Thoughts), whose N and Q are of another kind;
    "broken-tree"; "no-answer"."""


def searched(group: Group) -> Searched:
    """The ways that the searches of the original question found; leaves that no rollout ended at are none."""
    found = [(trace, one, _unusable(trace, one, group)) for trace in group.originals for one in trace.searches]
    if not found:
        return Searched(reason="no-search")
    usable = [(trace, one) for trace, one, reason in found if reason is None]
    if not usable:
        return Searched(reason=commonest(reason for _, _, reason in found if reason))
    merged = _Merged()
    for trace, one in usable:
        merged.add(trace, one)
    ways = tuple(sorted(merged.ways(), key=lambda way: way.content))
    return Searched(ways, merged.dead_ends, "found" if ways else "no-answer")


def monte_carlo(found: Searched, verdicts: Sequence[bool | None]) -> dict[Steps, float]:
    """The value of each step: the share of the rollouts through it that ended in a right answer.

    Those that ended in none were not right; those that nobody could judge do not count. Source: Math-Shepherd (Wang et al.,
    2312.08935, section 3.3), rStar-Math (2501.04519, section 3.2).

    Args:
        found: the searches of a problem.
        verdicts: whether each of its ways is right.
    """
    ends = [(path, count, False) for path, count in found.dead_ends.items()]
    ends += [
        (way.steps, way.end.visits, good) for way, good in zip(found.ways, verdicts, strict=True) if good is not None
    ]
    judged, right = Counter[Steps](), Counter[Steps]()
    for path, count, good in ends:
        for step in beginnings(path):
            judged[step] += count
            right[step] += count * good
    return {step: right[step] / count for step, count in judged.items()}


def beginnings(path: Steps) -> list[Steps]:
    """The path as far as each of its steps."""
    return [path[: at + 1] for at in range(len(path))]


def _unusable(trace: Trace, search: Search, group: Group) -> str | None:
    """Why a search says nothing of the question; `None` where it does. What else of the run was lost does not matter to it."""
    if reason := NOT_WHOLE.get(trace.outcome):
        return reason
    if not stands(trace.steps, search.step):
        return "failed-runs"
    if reason := _broken(search):
        return reason
    if search.chosen is None:
        return "no-answer"
    chosen = search.thoughts[search.chosen].answer
    return None if any(same(chosen, one) for one in answers_of([trace], group.extract)) else "other-answer"


def _broken(search: Search) -> str | None:
    """Why its nodes are no tree that rollouts went through."""
    tree = search.thoughts
    if not tree or not tree[0].visits:
        return "no-rollouts"
    below = [(at, one) for at, one in enumerate(tree) if one.parent is not None]
    is_tree = all(0 <= (one.parent or 0) < at and one.visits <= tree[one.parent or 0].visits for at, one in below)
    return None if is_tree and (search.chosen is None or 0 <= search.chosen < len(tree)) else "broken-tree"


class _Merged:
    """Searches of one question, step by step."""

    def __init__(self) -> None:
        self.dead_ends = Counter[Steps]()
        self._visits = Counter[Steps]()
        self._values = defaultdict[Steps, list[float]](list)
        self._ends = defaultdict[Steps, list[tuple[Trace, Thought]]](list)

    def add(self, trace: Trace, search: Search) -> None:
        """One more tree."""
        parents = {one.parent for one in search.thoughts}
        paths = list[Steps]()
        for at, one in enumerate(search.thoughts):
            above = () if one.parent is None else paths[one.parent]
            is_end = at not in parents and one.parent is not None
            said = last_step(one.text, one.answer) if is_end and one.answer is not None else inner_step(one.text)
            path = (*above, said) if said else above
            paths.append(path)
            if said and one.visits:
                self._visits[path] += one.visits
                self._values[path].append(one.value)
            if is_end and one.visits:
                self._end(path, trace, one)

    def ways(self) -> Iterator[Way]:
        """Each once, with the runs that found it in the order of their ids."""
        for path, ends in self._ends.items():
            traces = {trace.id: trace for trace, _ in ends}
            yield Way(
                path,
                ends[0][1].answer or "",
                tuple(Rollouts(self._visits[step], fsum(self._values[step])) for step in beginnings(path)),
                sum(one.agreed for _, one in ends),
                sum(one.completed for _, one in ends),
                tuple(traces[id] for id in sorted(traces)),
            )

    def _end(self, path: Steps, trace: Trace, leaf: Thought) -> None:
        if leaf.answer is None:
            self.dead_ends[path] += leaf.visits
        else:
            self._ends[path].append((trace, leaf))


@dataclass(frozen=True)
class FromSearches(Taking):
    """A target whose rows are ways through the searches of a problem."""

    judge: Judge | None

    @property
    def supervised(self) -> bool:
        """Whether its judge reads gold answers."""
        return reads_gold(self.judge)

    def __call__(self, group: Group) -> Rows:
        """The rows that the searches give, or why there are none."""
        if missing := no_question(group):
            return Rows(reason=missing)
        found = searched(group)
        return self.rows(found, group) if found.ways else Rows(reason=found.reason)

    @abstractmethod
    def rows(self, found: Searched, group: Group) -> Rows:
        """The rows of ways, of which there is one at least."""
