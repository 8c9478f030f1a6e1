"""The stages of a harvest, the target first and then the filters, and how a problem passes through them.

Consecutive stages that look at one problem alone are run together (`through`), here or on another machine: what comes back is
a `Passage` per problem, which tells all that happened to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any, Literal, Protocol, get_args

from langdistill.answers import Extract, final_answer
from langdistill.errors import DatasetError
from langdistill.filters.judging import Filter
from langdistill.groups import Group, Rows, Target
from langdistill.records import Example, Verdict

Unjudged = Literal["drop", "keep"]
"""What becomes of a problem, or of a row of several, that a filter could not judge."""


class Stage(Protocol):
    """One step of a harvest."""

    @property
    def name(self) -> str:
        """As reports tell it."""
        ...

    @property
    def params(self) -> dict[str, Any]:
        """All that decides what it does."""
        ...

    def batch(self, groups: Sequence[Group]) -> list[tuple[Verdict, Group]]:
        """What it says of each problem, and the problem as it leaves it."""
        ...

    def keeps(self, verdict: Verdict) -> bool:
        """Whether a problem with this verdict goes on."""
        ...


@dataclass(frozen=True)
class Choosing:
    """The stage before the filters: the target says which rows a problem gives.

    Raises:
        DatasetError: the target is no function, or gives something other than `Rows`.
    """

    target: Target

    name = "target"

    def __post_init__(self) -> None:
        try:
            signature(self.target).bind(Group)
        except ValueError:
            return  # of a function that tells none
        except TypeError as error:
            raise DatasetError(
                f"{target_name(self.target)!r} is no target: {error}. Give one of langdistill.datasets.targets, one with settings "
                "called first, as whole_agent(); or a function from a Group to Rows."
            ) from error

    @property
    def params(self) -> dict[str, Any]:
        """The target, by its name and settings."""
        return {"target": target_name(self.target), **getattr(self.target, "params", {})}

    def batch(self, groups: Sequence[Group]) -> list[tuple[Verdict, Group]]:
        """The problems with their rows."""
        return [self._chosen(group) for group in groups]

    def keeps(self, verdict: Verdict) -> bool:
        """Where there are any."""
        return bool(verdict.keep)

    def _chosen(self, group: Group) -> tuple[Verdict, Group]:
        if not group.originals:
            return Verdict(filter=self.name, keep=False, reason="no-original"), group
        rows: Any = self.target(group)
        if not isinstance(rows, Rows):
            raise DatasetError(
                f"The target {target_name(self.target)!r} gave a {type(rows).__name__} and no Rows. One with settings is called "
                "first: .target(whole_agent())."
            )
        keep = bool(rows.examples)
        return Verdict(filter=self.name, keep=keep, reason=rows.reason), group.with_rows(rows.examples)


@dataclass(frozen=True)
class Filtering:
    """A filter, and what becomes of what it could not judge.

    Raises:
        DatasetError: it is no filter, or `unjudged` is neither "drop" nor "keep".
    """

    filter: Filter
    unjudged: Unjudged = "drop"

    def __post_init__(self) -> None:
        given: Any = self.filter
        if not isinstance(given, Filter):
            told = getattr(given, "__name__", repr(given))
            raise DatasetError(f"{told} is no filter. Give what a function of langdistill.filters makes: agreement().")
        if self.unjudged not in get_args(Unjudged):
            raise DatasetError(f'unjudged={self.unjudged!r} is unknown; give "drop" or "keep".')

    @property
    def name(self) -> str:
        """The filter's."""
        return self.filter.name

    @property
    def params(self) -> dict[str, Any]:
        """The filter's, its version, and the policy."""
        return {**self.filter.params, "version": self.filter.version, "unjudged": self.unjudged}

    def batch(self, groups: Sequence[Group]) -> list[tuple[Verdict, Group]]:
        """The verdicts, and the problems after them."""
        verdicts = map(self.settled, self.filter.batch(groups))
        return [(verdict, group.after(verdict)) for group, verdict in zip(groups, verdicts, strict=True)]

    def settled(self, verdict: Verdict) -> Verdict:
        """The verdict after the policy: of a problem that stays, the rows that could not be judged go one by one."""
        if self.unjudged == "keep" or not verdict.unjudged:
            return verdict
        return verdict.model_copy(update={"dropped": {**verdict.dropped, **verdict.unjudged}, "unjudged": {}})

    def keeps(self, verdict: Verdict) -> bool:
        """Where it says yes, or cannot say and is to keep such."""
        return bool(verdict.keep) or (verdict.keep is None and self.unjudged == "keep")


@dataclass(frozen=True)
class Outcome:
    """What one stage did with a problem."""

    verdict: Verdict
    kept: bool
    content: str
    """Digest of the rows that it left."""
    answers: tuple[str | None, ...]
    """The final answers of these rows, for whoever compares labels with gold answers afterwards."""
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True)
class Lost:
    """A row that went while others of its problem stayed."""

    reason: str
    traces: tuple[str, ...]
    call: str | None


@dataclass(frozen=True)
class Passage:
    """A problem on its way."""

    group: Group
    outcomes: tuple[Outcome, ...] = ()
    """Of each stage that it has come to, the one that dropped it last."""
    votes: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of a problem that was dropped: votes per answer, as far as they were known there."""
    traces: tuple[str, ...] = ()
    """Of a problem that was dropped: its traces."""

    @property
    def dropped(self) -> bool:
        """Whether a stage dropped it."""
        return bool(self.outcomes) and not self.outcomes[-1].kept

    @property
    def examples(self) -> tuple[Example, ...]:
        """Its rows, each with the verdicts on its problem after that of the target."""
        verdicts = [outcome.verdict for outcome in self.outcomes[1:]]
        return tuple(row.model_copy(update={"verdicts": verdicts}) for row in self.group.rows)

    def after(self, stage: Stage, verdict: Verdict, group: Group) -> Passage:
        """The same after one more stage, which says `verdict` and leaves `group`."""
        kept = stage.keeps(verdict) and bool(group.rows)
        lost = tuple(
            Lost(reason, tuple(row.traces), row.call)
            for at, reason in sorted(verdict.dropped.items())
            for row in [self.group.rows[at]]
        )
        answers = tuple(row.answer for row in group.rows)
        outcome = Outcome(verdict, kept, self._content(group) if kept else "", answers, lost if kept else ())
        passed = replace(self, group=group, outcomes=(*self.outcomes, outcome))
        return passed if kept else passed._ended()

    def without_traces(self) -> Passage:
        """The same with its rows alone."""
        slim = self.group.without_traces()
        return self if slim is self.group else replace(self, group=slim)

    def without_extractor(self) -> Passage:
        """The same as any process can be given it: a function of the user's own need not be picklable."""
        return replace(self, group=replace(self.group, extract=final_answer)) if self.group.originals else self

    def with_extractor(self, extract: Extract) -> Passage:
        """The same with it again."""
        return replace(self, group=replace(self.group, extract=extract)) if self.group.originals else self

    def _content(self, group: Group) -> str:
        """Digest of the rows; most stages leave them as they were."""
        return self.outcomes[-1].content if self.outcomes and group is self.group else group.content

    def _ended(self) -> Passage:
        ids = self.group.traces or sorted({one for row in self.group.rows for one in row.traces})
        return replace(self, group=self.group.without_traces(), votes=self.group.votes, traces=tuple(ids))


def through(stages: Sequence[Stage], passages: Sequence[Passage]) -> list[Passage]:
    """Take problems through consecutive stages; each stage sees together those that are left."""
    now = list(passages)
    for stage in stages:
        standing = [at for at, one in enumerate(now) if not one.dropped]
        outcomes = stage.batch([now[at].group for at in standing])
        for at, (verdict, group) in zip(standing, outcomes, strict=True):
            now[at] = now[at].after(stage, verdict, group)
    return now


def target_name(target: Target) -> str:
    """The name of a target, as a manifest tells it."""
    return getattr(target, "name", None) or getattr(target, "__name__", None) or type(target).__name__
