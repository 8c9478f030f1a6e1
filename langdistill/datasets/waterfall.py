"""What each stage of a harvest let through, what it took out and why; and the chain of hashes that proves it.

The problems are counted in the order of their ids, wherever a stage was run, so the numbers and the hashes do not depend on it.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langdistill.answers import same
from langdistill.datasets.stages import Outcome, Passage, Stage
from langdistill.intervals import wilson
from langdistill.records import Verdict, digest

log = logging.getLogger(__name__)


@dataclass
class Level:
    """The count of one stage."""

    stage: str
    params: Mapping[str, Any]
    kept: int = 0
    dropped: int = 0
    rows: int = 0
    """Rows of the problems that it kept."""
    rows_dropped: int = 0
    """Rows that it took out of problems that it kept."""
    unjudged: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Why problems went."""
    row_reasons: Counter[str] = field(default_factory=Counter[str])
    """Why rows of problems that stayed went."""
    right: int = 0
    """How many of the rows with an answer and a gold answer have the right one."""
    probed: int = 0
    content: Any = field(default_factory=hashlib.sha256)

    def count(self, outcome: Outcome, gold: str | None) -> None:
        """Add what the stage did with one problem."""
        verdict = outcome.verdict
        self.unjudged += verdict.keep is None
        if not outcome.kept:
            self.dropped += 1
            self.reasons[verdict.reason] += 1
            return
        self.kept += 1
        self.rows += len(outcome.answers)
        self.rows_dropped += len(outcome.lost)
        self.row_reasons.update(lost.reason for lost in outcome.lost)
        self.content.update(outcome.content.encode())
        answers = [] if gold is None else [answer for answer in outcome.answers if answer is not None]
        self.probed += len(answers)
        self.right += sum(same(answer, gold) for answer in answers)

    def told(self) -> dict[str, Any]:
        """As a report and a manifest tell it; the parts that are always there first."""
        told: dict[str, Any] = {
            "stage": self.stage,
            "kept": self.kept,
            "dropped": self.dropped,
            "reasons": dict(sorted(self.reasons.items())),
            "rows": self.rows,
        }
        if self.rows_dropped:
            told |= {"rows_dropped": self.rows_dropped, "row_reasons": dict(sorted(self.row_reasons.items()))}
        if self.unjudged:
            told["unjudged"] = self.unjudged
        if self.probed:
            low, high = wilson(self.right, self.probed)
            told["labels"] = {"right": self.right, "of": self.probed, "interval": [round(low, 4), round(high, 4)]}
        return told


class Waterfall:
    """Counts what passes, in the order of the problems."""

    def __init__(self, query: Mapping[str, Any], probe: Mapping[str, str] | None = None) -> None:
        """Begin.

        Args:
            query: what was selected, for the chain of hashes.
            probe: gold answers of some problems. No stage ever sees them; they are compared with the targets afterwards.
        """
        self.levels = [Level("harvest", query)]
        self._probe = probe or {}

    @property
    def funnel(self) -> list[dict[str, Any]]:
        """Per stage: what it kept and dropped, and why."""
        return [level.told() for level in self.levels]

    @property
    def chain(self) -> list[dict[str, str]]:
        """A hash per stage, over the one before it, what the stage is, and what came out of it.

        A filter with another threshold changes the hashes from its own on and none before it.
        """
        hashes: list[dict[str, str]] = []
        last = ""
        for level in self.levels:
            last = digest(last, level.stage, dict(level.params), level.content.hexdigest())
            hashes.append({"stage": level.stage, "hash": last})
        return hashes

    def counted(self, stages: Sequence[Stage], passages: Iterable[Passage]) -> Iterator[Passage]:
        """Count what the stages did, as the problems go by; those that were dropped go by, too."""
        selected = self.levels[0]
        levels = [Level(stage.name, stage.params) for stage in stages]
        self.levels += levels
        for passage in passages:
            selected.kept += 1
            selected.content.update(passage.group.problem.encode("utf-8", "backslashreplace"))
            gold = self._probe.get(passage.group.problem)
            for level, outcome in zip(levels, passage.outcomes, strict=False):
                level.count(outcome, gold)
            yield passage
        if self._probe and not any(level.probed for level in levels):
            log.warning(
                "Nothing was probed: none of the probe's %d problems has a row with an answer.", len(self._probe)
            )


def rejects_of(passage: Passage, stages: Sequence[Stage]) -> Iterator[dict[str, Any]]:
    """What is written of what went, the problem or some of its rows: no text of it, for that may be why it went."""
    problem = passage.group.problem
    for stage, outcome in zip(stages, passage.outcomes, strict=False):
        for lost in outcome.lost:
            yield {
                "problem": problem,
                "stage": stage.name,
                "reason": lost.reason,
                "call": lost.call,
                "traces": lost.traces,
            }
    if passage.dropped:
        last = passage.outcomes[-1].verdict
        yield {
            "problem": problem,
            "stage": last.filter,
            "reason": last.reason,
            "votes": passage.votes,
            "verdicts": [told_verdict(outcome.verdict) for outcome in passage.outcomes],
            "traces": passage.traces,
        }


def told_verdict(verdict: Verdict) -> dict[str, Any]:
    """A verdict as files tell it: its evidence may quote what was thought, and what it dropped is counted elsewhere."""
    return verdict.model_dump(exclude={"evidence", "targets", "dropped", "unjudged"})
