"""From a store to examples: group by problem, take a target, filter, split, write."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from langdistill import answers
from langdistill.answers import Extract
from langdistill.datasets.groups import Group, grouped
from langdistill.datasets.targets import Target, final_answer
from langdistill.datasets.writing import MANIFEST, Dataset, write_dataset
from langdistill.errors import DatasetError, StoreError
from langdistill.filters.judged import Filter
from langdistill.folders import check_place
from langdistill.records import Example, Message, Verdict, digest
from langdistill.stores.opening import open_store
from langdistill.stores.protocol import Derived, Store, Where
from langdistill.votes import vote

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Harvested:
    """What a harvest kept, what it dropped and why."""

    examples: list[Example]
    rejects: list[dict[str, Any]]
    """Problem, stage, reason, votes, and the verdicts up to the one that dropped it."""
    funnel: list[dict[str, Any]]
    """Per stage: its name, how many it kept and dropped, and the reasons with their counts."""


@dataclass(frozen=True)
class Harvest:
    """A harvest to be: nothing is read before `run` or `write`. Made by `harvest`."""

    store: str | Path | Store
    graph: str | None = None
    strategy: str | None = None
    extract: Extract = answers.final_answer
    take: Target = final_answer
    filters: tuple[Filter, ...] = field(default=())

    def target(self, take: Target) -> Harvest:
        """The same with another target."""
        return replace(self, take=take)

    def filter(self, *filters: Filter) -> Harvest:
        """The same with more filters, applied in this order."""
        return replace(self, filters=(*self.filters, *filters))

    def run(self) -> Harvested:
        """Read the store and judge every problem.

        Raises:
            StoreError: the store is missing or cannot be read.
            DatasetError: no trace was selected, or nothing passed.
        """
        groups = self._groups()
        funnel = [{"stage": "harvest", "kept": len(groups), "dropped": 0, "reasons": {}}]
        verdicts: dict[str, list[Verdict]] = {group.problem: [] for group in groups}
        rejects: list[dict[str, Any]] = []
        targets = {group.problem: self.take(group) for group in groups}
        for stage in (self._has_target(targets), *self.filters):
            kept: list[Group] = []
            reasons: Counter[str] = Counter()
            for group in groups:
                verdict = stage(group)
                verdicts[group.problem].append(verdict)
                if verdict.keep:
                    kept.append(group)
                else:
                    reasons[verdict.reason] += 1
                    rejects.append(_reject(group, verdicts[group.problem]))
            funnel.append({"stage": stage.name, "kept": len(kept), "dropped": len(groups) - len(kept),
                           "reasons": dict(sorted(reasons.items()))})  # fmt: skip
            groups = kept
        if not groups:
            raise DatasetError(_all_gone(funnel))
        examples = [_example(group, str(targets[group.problem]), verdicts[group.problem][1:]) for group in groups]
        return Harvested(examples, sorted(rejects, key=lambda reject: reject["problem"]), funnel)

    def write(
        self, out: str | Path, *, format: str = "trl", validation: float = 0.1, seed: int = 0, overwrite: bool = False
    ) -> Dataset:
        """Run, split by problem and write the data set's folder, whole or not at all.

        Args:
            out: the folder; refused where it exists, unless `overwrite`.
            format: name of the exporter.
            validation: share of the problems kept aside.
            seed: of the split.
            overwrite: replace the folder.

        Raises:
            DatasetError: `out` exists, the harvest is empty, or nothing passed.
            UnknownName: of the format.
        """
        if not 0 <= validation < 1:
            raise DatasetError(
                f"validation={validation} is no share to keep aside; give a number from 0 up to, not including, 1."
            )
        check_place(Path(out), overwrite=overwrite, mark=MANIFEST, error=DatasetError)
        harvested = self.run()
        told = {
            "graph": self.graph,
            "strategy": self.strategy,
            "extract": getattr(self.extract, "__name__", repr(self.extract)),
            "target": self.take.__name__,
            "filters": [{"name": one.name, **one.params} for one in self.filters],
            "validation": validation,
            "seed": seed,
        }
        examples = split(harvested.examples, validation, seed)
        dataset = write_dataset(Path(out), format, examples, harvested.rejects, harvested.funnel, told)
        self._note(dataset)
        return dataset

    def _note(self, dataset: Dataset) -> None:
        """Tell the store what was made of it, so that a purge can name it."""
        rows = [source["traces"] for source in dataset.sources()]
        try:
            with self._opened() as store:
                store.add_derived(Derived(str(dataset.path.absolute()), dataset.hash, rows))
        except StoreError as error:
            log.warning(
                "The data set is written, but its store could not note it: %s A purge finds it by its folder alone (--look-in).",
                error,
            )

    @contextmanager
    def _opened(self) -> Generator[Store]:
        store = open_store(self.store, must_exist=True)
        try:
            yield store
        finally:
            if store is not self.store:
                store.close()

    def _groups(self) -> list[Group]:
        with self._opened() as store:
            groups = grouped(store.traces(Where(graph=self.graph, strategy=self.strategy)), self.extract)
            names = store.names() if not groups else {}
        if not groups:
            held = ", ".join(f"{count} of {name!r}" for name, count in names.items()) or "no traces at all"
            raise DatasetError(
                f"No trace was selected (graph {self.graph!r}, strategy {self.strategy!r}). The store holds {held}."
            )
        return groups

    @staticmethod
    def _has_target(targets: dict[str, str | None]) -> Filter:
        return HasTarget(targets)


@dataclass(frozen=True)
class HasTarget:
    """The stage before the filters: drops a problem that has no question, several questions, or nothing to learn."""

    targets: dict[str, str | None]

    name = "target"

    @property
    def params(self) -> dict[str, Any]:
        """None that are not in the manifest already."""
        return {}

    def __call__(self, group: Any) -> Verdict:
        """Whether the group has one question and a target."""
        reason = "found"
        if group.questions != 1:
            reason = "mixed-questions" if group.questions else "no-question"
        elif self.targets[group.problem] is None:
            reason = "tied" if vote(group.answers).tied else "no-answer"
        return Verdict(filter=self.name, keep=reason == "found", reason=reason)


def harvest(
    store: str | Path | Store,
    *,
    graph: str | None = None,
    strategy: str | None = None,
    extract: Extract = answers.final_answer,
) -> Harvest:
    """Start from the traces of a store.

    Args:
        store: a store, the path of an SQLite file, or "postgresql://user@host/database".
        graph: only traces of root runs with this name.
        strategy: only traces of this strategy.
        extract: reads the answer out of a recorded reply: the one that the strategy was given.
    """
    return Harvest(store, graph, strategy, extract)


def split(examples: Sequence[Example], validation: float, seed: int) -> list[Example]:
    """Each example with its split, by a hash of its problem: a problem stays where it is when others come or go."""

    def side(example: Example) -> Literal["train", "validation"]:
        drawn = int(digest(str(seed), example.problem)[:8], 16) / 16**8
        return "validation" if drawn < validation else "train"

    placed = [example.model_copy(update={"split": side(example)}) for example in examples]
    if all(example.split == "validation" for example in placed):
        return [example.model_copy(update={"split": "train"}) for example in placed]
    return placed


def _example(group: Group, target: str, verdicts: list[Verdict]) -> Example:
    return Example(
        messages=_without_thinking(group.question),
        target={"role": "assistant", "content": target},
        problem=group.problem,
        trace=group.originals[0].id,
        traces=group.traces,
        verdicts=verdicts,
    )


def _without_thinking(question: Sequence[Message]) -> list[Message]:
    """Earlier turns may carry a model's reasoning; a row never does."""
    return [
        cast("Message", {key: value for key, value in one.items() if key != "reasoning_content"}) for one in question
    ]


def _reject(group: Group, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "problem": group.problem,
        "stage": verdicts[-1].filter,
        "reason": verdicts[-1].reason,
        "votes": group.votes,
        "verdicts": [verdict.model_dump(exclude={"evidence"}) for verdict in verdicts],
        "traces": group.traces,
    }


def _all_gone(funnel: list[dict[str, Any]]) -> str:
    worst = max(funnel[1:], key=lambda stage: stage["dropped"])
    reasons = ", ".join(f"{reason}: {count}" for reason, count in worst["reasons"].items())
    return (
        f"No row is left of {funnel[0]['kept']} problems. The filter {worst['stage']!r} took most: {worst['dropped']} ({reasons}). "
        "Loosen it, or record more samples per problem."
    )
