"""What a filter is: a frozen value that says of a problem, or of each of its rows, whether to keep it and why.

| a filter that looks at | is a | and defines |
|---|---|---|
| a problem as a whole (its votes, its runs) | `Filter` | `__call__(group) -> Verdict` |
| each row alone (its texts, its tool calls) | `RowFilter` | `judge(row, group) -> Judgement` |
| a row beside the rows of other problems | `CorpusFilter` | `over(groups) -> Verdict per group` |

`Filter.batch` judges several problems at once; one that asks a model overrides it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from langdistill.groups import Group
from langdistill.named import Named
from langdistill.records import Example, Message, Verdict


@dataclass(frozen=True)
class Judgement:
    """What a filter says of one row."""

    keep: bool | None
    """`None`: could not judge."""
    reason: str
    score: float | None = None
    evidence: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Filter(Named, ABC):
    """Keeps a problem, drops it, or says that it cannot judge (`keep` is `None`)."""

    version: ClassVar[int] = 1
    """Raised when the same parameters would judge otherwise than before."""
    supervised: ClassVar[bool] = False
    """Whether it reads gold answers: the manifest and the card say so."""

    @abstractmethod
    def __call__(self, group: Group) -> Verdict:
        """What it says of one problem, with a reason."""

    def batch(self, groups: Sequence[Group]) -> list[Verdict]:
        """What it says of several problems, in their order."""
        return [self(group) for group in groups]

    def says(
        self,
        keep: bool | None,
        reason: str,
        score: float | None = None,
        *,
        evidence: Mapping[str, Any] | None = None,
        dropped: Mapping[int, str] | None = None,
        targets: Mapping[int, list[Message]] | None = None,
    ) -> Verdict:
        """A verdict in its name."""
        return Verdict(
            filter=self.name,
            version=self.version,
            keep=keep,
            reason=reason,
            score=score,
            evidence=dict(evidence or {}),
            dropped=dict(dropped or {}),
            targets=dict(targets or {}),
        )

    def summed(self, judged: Sequence[Judgement]) -> Verdict:
        """The verdict on a problem from the judgements of its rows, in their order, as `RowFilter` says."""
        if not judged:
            return self.says(None, "no-rows")
        if len(judged) == 1:
            [one] = judged
            return self.says(one.keep, one.reason, one.score, evidence=one.evidence)
        gone = {at: one.reason for at, one in enumerate(judged) if one.keep is False}
        staying = [one for one in judged if one.keep is not False]
        if not staying:
            return self.says(False, _commonest(judged), evidence={"rows": len(judged)})
        kept = [one for one in staying if one.keep]
        evidence = {"rows": len(judged), "kept": len(staying)}
        if not kept:
            return self.says(None, _commonest(staying), evidence=evidence, dropped=gone)
        unsure = {at: one.reason for at, one in enumerate(judged) if one.keep is None}
        verdict = self.says(True, _commonest(kept), evidence=evidence, dropped=gone)
        return verdict.model_copy(update={"unjudged": unsure})


@dataclass(frozen=True)
class RowFilter(Filter):
    """Judges each row alone; a problem goes when none of its rows stays.

    Of a problem with several rows those that are not kept go one by one, and so do those that it could not judge where the harvest
    drops such (`Verdict.unjudged`). Where no row is kept and it could not judge at least one, it could not judge the problem.
    """

    @abstractmethod
    def judge(self, row: Example, group: Group) -> Judgement:
        """What it says of a row."""

    def __call__(self, group: Group) -> Verdict:
        """Judge every row."""
        return self.summed([self.judge(row, group) for row in group.rows])


@dataclass(frozen=True)
class CorpusFilter(Filter):
    """Judges the problems beside one another, in the order of their ids.

    Its groups hold their rows, and no traces. They may be gone through more than once; never keep all of them in memory.
    """

    @abstractmethod
    def over(self, groups: Iterable[Group]) -> Iterator[Verdict]:
        """One verdict per group, in their order."""

    def __call__(self, group: Group) -> Verdict:
        """What it says of a problem that is alone."""
        return next(self.over([group]))


def _commonest(judged: Sequence[Judgement]) -> str:
    return Counter(one.reason for one in judged).most_common(1)[0][0]


Factory = Callable[..., Filter]
