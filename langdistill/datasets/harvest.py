"""From a store to a data set: select, group by problem, take a target, filter, split, write. Nothing is read before `run` or `write`."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from langdistill import answers
from langdistill.answers import Extract
from langdistill.datasets.containers import Container, needs_extra
from langdistill.datasets.formats.fitting import Format, find_format
from langdistill.datasets.masking import Masking, masking
from langdistill.datasets.pipeline import Engine, locally, passages, stretches
from langdistill.datasets.reading import MANIFEST, Dataset
from langdistill.datasets.refusing import all_gone, nothing_selected
from langdistill.datasets.rendering import Rendering, rendered
from langdistill.datasets.selection import Selection, Source, opened, stored
from langdistill.datasets.splitting import Split, side_of
from langdistill.datasets.stages import Choosing, Filtering, Passage, Stage, Unjudged, target_name
from langdistill.datasets.taking import Taking
from langdistill.datasets.targets.final_answer import final_answer
from langdistill.datasets.waterfall import Waterfall, rejects_of
from langdistill.datasets.writing import DatasetWriter
from langdistill.errors import DatasetError, StoreError
from langdistill.filters.gold import gold_of
from langdistill.filters.judging import Filter
from langdistill.folders import check_place, written_beside
from langdistill.groups import Target
from langdistill.named import told
from langdistill.records import Example, Outcome, Trace
from langdistill.stores.protocol import Derived, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Harvested:
    """What a harvest kept, what it dropped and why."""

    examples: list[Example]
    rejects: list[dict[str, Any]]
    """Problem, stage, reason, votes, and the verdicts up to the one that dropped it; for a row of a problem that stayed: the
    problem, stage, reason and the call that it was the reply of."""
    funnel: list[dict[str, Any]]
    """Per stage: its name, how many problems it kept and dropped, the reasons with their counts, and how many rows are left."""
    chain: list[dict[str, str]]
    """A hash per stage."""


@dataclass(frozen=True)
class Harvest:
    """A harvest to be. Made by `harvest`; every method gives a new one."""

    source: Source
    selection: Selection = field(default_factory=Selection)
    extract: Extract = answers.final_answer
    take: Target = final_answer
    filters: tuple[Filtering, ...] = ()
    balance: bool = False
    rendering: Rendering | None = None
    gold: Mapping[str, str] = field(default_factory=dict[str, str])
    engine: Engine = locally

    def target(self, take: Target) -> Harvest:
        """The same with another target: which rows a problem gives.

        Raises:
            DatasetError: it is none.
        """
        Choosing(take)
        return replace(self, take=take)

    def filter(self, *filters: Filter, unjudged: Unjudged = "drop") -> Harvest:
        """The same with more filters, applied in this order.

        Args:
            *filters: each keeps a problem, drops it with a reason, or cannot judge it.
            unjudged: what becomes of what these cannot judge. What is kept so is marked: its verdict says `None`.

        Raises:
            DatasetError: one is no filter, or `unjudged` is neither "drop" nor "keep".
        """
        return replace(self, filters=(*self.filters, *(Filtering(one, unjudged) for one in filters)))

    def balanced(self) -> Harvest:
        """The same with the weight 1/D on each of the D rows of a problem, so that every problem counts once.

        Diverse reasoning (Ho et al., 2212.10071) counts a problem D times; so does a harvest without this.
        """
        return replace(self, balance=True)

    def render(self, rendering: Rendering) -> Harvest:
        """The same with the texts of each example made by a rendering: several formats of one reasoned answer, say.

        Raises:
            DatasetError: it is none.
        """
        if isinstance(rendering, type) or not hasattr(rendering, "over"):
            told = getattr(rendering, "__name__", repr(rendering))
            raise DatasetError(f"{told} is no rendering. Give what a function of langdistill makes: four_formats().")
        return replace(self, rendering=rendering)

    def probe(self, gold: Mapping[str, str] | str | Path) -> Harvest:
        """The same with gold answers of some problems, to report how right the labels are after each stage.

        No target and no filter can read them; they are compared afterwards, and change nothing but the report.

        Args:
            gold: problem to its answer, or a file of JSON lines with `problem` and `answer`.

        Raises:
            DatasetError: the file cannot be read.
        """
        return replace(self, gold=gold_of(gold).answers)

    def on(self, engine: Engine) -> Harvest:
        """The same on another engine: `langdistill.scale` has others than the one of this process."""
        return replace(self, engine=engine)

    def run(self) -> Harvested:
        """Read the store and judge every problem, all in memory.

        Raises:
            StoreError: the store is missing or cannot be read.
            DatasetError: no trace was selected, or nothing passed.
        """
        examples: list[Example] = []
        rejects: list[dict[str, Any]] = []
        with self._running() as (found, waterfall):
            for passage in found:
                rejects += rejects_of(passage, self._stages)
                examples += [] if passage.dropped else self._weighed(passage)
            self._check(waterfall)
        return Harvested(examples, rejects, waterfall.funnel, waterfall.chain)

    def write(
        self,
        out: str | Path,
        *,
        format: str | Format = "trl",
        container: Container = "jsonl",
        tokenizer: Any = None,
        validation: float = 0.1,
        seed: int = 0,
        overwrite: bool = False,
    ) -> Dataset:
        """Run, split by problem and write the data set's folder, whole or not at all.

        Args:
            out: the folder; refused where it exists, unless `overwrite`.
            format: of the rows, or its name: a file of `datasets/formats/`.
            container: of the rows: JSON lines, or Parquet. The data set's hash is the same.
            tokenizer: of the student, or the folder of its model. Every row goes through its chat template, and one that loses
                a tool call or its thinking there, or would have loss on anything but the target, is a reject. A `Masking` says
                more of how the loss will be taken.
            validation: share of the problems kept aside.
            seed: of the split.
            overwrite: replace the folder.

        Raises:
            DatasetError: `out` exists, the harvest is empty, nothing passed, or the format's rows are no conversations that a
                chat template could print.
            UnknownName: of the format.
            MissingExtra: pyarrow for Parquet, or transformers for a tokenizer, is not installed.
        """
        if not 0 <= validation < 1:
            raise DatasetError(
                f"validation={validation} is no share to keep aside; give a number from 0 up to, not including, 1."
            )
        place = Path(out)
        check_place(place, overwrite=overwrite, mark=MANIFEST, error=DatasetError)
        needs_extra(container)
        written, mask = find_format(format), None if tokenizer is None else masking(tokenizer)
        rendering = self.rendering.name if self.rendering else None
        class_of = self.take.class_of if isinstance(self.take, Taking) else None

        def side(one: Example) -> Split:
            return side_of(one, validation, seed)

        with (
            written_beside(place) as folder,
            closing(
                DatasetWriter(
                    folder, written, container=container, masking=mask, rendering=rendering, class_of=class_of
                )
            ) as writer,
        ):
            with self._running() as (found, waterfall):
                for row in rendered(self.rendering, self._kept(found, writer), side, writer.unrendered):
                    writer.add(row, side(row))
                self._check(waterfall)
            settings = {**self._told(), **_rows_told(written, mask), "validation": validation, "seed": seed}
            manifest = writer.finish(waterfall.funnel, waterfall.chain, settings)
            check_place(place, overwrite=overwrite, mark=MANIFEST, error=DatasetError)  # another may have been first
        dataset = Dataset(place, manifest)
        self._note(dataset)
        return dataset

    @property
    def _stages(self) -> list[Stage]:
        return [Choosing(self.take), *self.filters]

    @contextmanager
    def _running(self) -> Generator[tuple[Iterator[Passage], Waterfall]]:
        waterfall = Waterfall({**self.selection.params, "extract": told(self.extract)}, self.gold)
        with (
            stored(self.source, self.selection, self.extract) as selected,
            tempfile.TemporaryDirectory(prefix="langdistill-") as folder,
        ):
            found = passages(selected, stretches(Choosing(self.take), self.filters), self.engine, Path(folder))
            yield waterfall.counted(self._stages, found), waterfall
            if not waterfall.levels[0].kept:
                raise DatasetError(nothing_selected(self.source, selected))

    def _kept(self, found: Iterator[Passage], writer: DatasetWriter) -> Iterator[Example]:
        for passage in found:
            for reject in rejects_of(passage, self._stages):
                writer.reject(reject)
            if not passage.dropped:
                writer.sizes[len(passage.examples)] += 1
                yield from self._weighed(passage)

    def _weighed(self, passage: Passage) -> list[Example]:
        rows = passage.examples
        return [row.model_copy(update={"weight": row.weight / len(rows)}) if self.balance else row for row in rows]

    def _check(self, waterfall: Waterfall) -> None:
        if waterfall.levels[0].kept and not waterfall.levels[-1].kept:
            raise DatasetError(all_gone(waterfall.funnel))

    def _told(self) -> dict[str, Any]:
        supervised = [target_name(self.take)] if getattr(self.take, "supervised", False) else []
        supervised += [one.name for one in self.filters if one.filter.supervised]
        return {
            **{"graph": None, "strategy": None, **self.selection.params},
            "extract": told(self.extract),
            "target": target_name(self.take),
            **({"target_params": params} if (params := getattr(self.take, "params", None)) else {}),
            "filters": [{"name": one.name, **one.params} for one in self.filters],
            "balanced": self.balance,
            **({"rendering": {"name": self.rendering.name, **self.rendering.params}} if self.rendering else {}),
            **({"supervised": supervised} if supervised else {}),
        }

    def _note(self, dataset: Dataset) -> None:
        """Tell the store what was made of it, so that a purge can name it."""
        if not isinstance(self.source, (str, Path, Store)):
            return
        rows = [source["traces"] for source in dataset.sources()]
        try:
            with opened(self.source) as store:
                store.add_derived(Derived(str(dataset.path.absolute()), dataset.hash, rows))
        except StoreError as error:
            log.warning(
                "The data set is written, but its store could not note it: %s A purge finds it by its folder alone (--look-in).",
                error,
            )


def harvest(
    source: Source,
    *,
    graph: str | None = None,
    strategy: str | None = None,
    node: str | None = None,
    model: str | None = None,
    tag: str | None = None,
    thread: str | None = None,
    user: str | None = None,
    since: float | None = None,
    before: float | None = None,
    outcome: Outcome | None = None,
    min_score: float | None = None,
    where: Callable[[Trace], bool] | None = None,
    extract: Extract = answers.final_answer,
) -> Harvest:
    """Start from the traces of a store.

    Args:
        source: a store, the path of an SQLite file, "postgresql://user@host/database", or traces from elsewhere (an importer).
        graph: only traces of root runs with this name.
        strategy: only traces of this strategy.
        node: only traces in which a node of this name, or at this path ("think/sample"), asked a model.
        model: only traces in which this model answered.
        tag: only traces with this tag.
        thread: only traces of this thread.
        user: only traces of this user.
        since: only traces that started then or later; seconds since the epoch.
        before: only traces that started earlier than that.
        outcome: only traces that stopped so: "ended" leaves out what failed or was cancelled.
        min_score: only traces whose feedback has at least this mean score.
        where: any other condition.
        extract: reads the answer out of a recorded reply: the one that the strategy was given.
    """
    selection = Selection(graph, strategy, node, model, tag, thread, user, since, before, outcome, min_score, where)
    return Harvest(source, selection, extract)


def _rows_told(format: Format, mask: Masking | None) -> dict[str, Any]:
    """How the rows are written and checked, as far as somebody chose it."""
    return {
        **({"format_params": format.params} if format.params else {}),
        **({"rendered_by": mask.params} if mask else {}),
    }
