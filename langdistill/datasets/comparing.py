"""What differs between two data sets: the first stage of their chains that does, and what became of each problem.

The files of a data set are in the order of the problems' ids, so two of them are gone through side by side, a problem at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

from langdistill.datasets.reading import REJECTS, Dataset, lines_of, read_dataset
from langdistill.datasets.splitting import SPLITS
from langdistill.errors import DatasetError
from langdistill.records import digest
from langdistill.stores.columns import storable

ROWS_SETTINGS = ("format", "validation", "seed", "balanced", "rendering")
"""What decides the rows after the last filter."""
NOT_SELECTION = {
    "version", "package", "hash", "rows", "funnel", "chain", "files", "terms", "target", "target_params", "filters", "supervised",
    "classes", "rows_per_problem",
    *ROWS_SETTINGS,
}  # fmt: skip
"""Fields of a manifest that do not tell which traces were read."""


@dataclass
class Counted:
    """How many problems, and the first of them."""

    count: int = 0
    ids: list[str] = field(default_factory=list[str])
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Where the other data set rejected them: stage and reason."""

    def add(self, problem: str, most: int, why: str | None = None) -> None:
        """Count one."""
        self.count += 1
        if len(self.ids) < most:
            self.ids.append(problem)
        if why:
            self.reasons[why] += 1

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"count": self.count, "ids": self.ids, "reasons": dict(sorted(self.reasons.items()))}


@dataclass(frozen=True)
class StageDifference:
    """The first stage whose hash differs."""

    stages: tuple[str | None, str | None]
    """Its name in either data set; `None` where one has no such stage any more."""
    settings: dict[str, tuple[Any, Any]]
    """Each setting that differs, with both values; none where the same settings met other traces."""


@dataclass
class Difference:
    """What differs between two data sets."""

    one: Dataset
    other: Dataset
    stage: StageDifference | None
    """`None` where nothing differs."""
    added: Counted = field(default_factory=Counted)
    """Problems with rows in the other alone, and why the one had rejected them."""
    removed: Counted = field(default_factory=Counted)
    """Problems with rows in the one alone, and why the other rejected them."""
    changed: Counted = field(default_factory=Counted)
    """Problems whose rows are other ones."""
    moved: Counted = field(default_factory=Counted)
    """Problems whose rows are in another split."""

    @property
    def same(self) -> bool:
        """Whether they are the same, rows and settings."""
        return self.stage is None

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "same": self.same,
            "data_sets": [{"path": str(one.path), "hash": one.hash, "rows": one.manifest["rows"]} for one in (self.one, self.other)],
            "stage": self.stage and {"stages": self.stage.stages, "settings": self.stage.settings},
            "funnels": [self.one.funnel, self.other.funnel],
            **{name: getattr(self, name).told() for name in ("added", "removed", "changed", "moved")},
        }  # fmt: skip


@dataclass(frozen=True)
class _Fate:
    """What a data set made of a problem."""

    rows: Mapping[str, tuple[str, ...]]
    """Split to the digests of its rows."""
    rejected: str | None
    """Stage and reason."""

    @property
    def content(self) -> list[str]:
        return sorted(row for rows in self.rows.values() for row in rows)


def compare(one: str | Path, other: str | Path, *, ids: int = 10) -> Difference:
    """Compare two data sets; a problem of each is in memory at a time.

    Args:
        one: folder of the earlier one, say.
        other: folder of the later one.
        ids: how many problems of each kind are named.

    Raises:
        DatasetError: one of them is missing or damaged, or its rows are not in the order of their problems.
    """
    first, second = _chained(one), _chained(other)
    difference = Difference(first, second, _stage(first.manifest, second.manifest))
    for problem, before, after in _side_by_side(first, second):
        if before.rows and not after.rows:
            difference.removed.add(problem, ids, after.rejected)
        elif after.rows and not before.rows:
            difference.added.add(problem, ids, before.rejected)
        elif before.rows:
            if before.content != after.content:
                difference.changed.add(problem, ids)
            if before.rows.keys() != after.rows.keys():
                difference.moved.add(problem, ids)
    return difference


def _chained(folder: str | Path) -> Dataset:
    dataset = read_dataset(folder)
    if not dataset.manifest.get("chain"):
        raise DatasetError(
            f"{str(folder)!r} was written by an older release and has no chain of hashes. Harvest it again."
        )
    return dataset


def _stage(one: Mapping[str, Any], other: Mapping[str, Any]) -> StageDifference | None:
    """The first stage of the chains whose hash differs."""
    pairs = zip_longest(one["chain"], other["chain"])
    for at, (left, right) in enumerate(pairs):
        if left is None or right is None or left["hash"] != right["hash"]:
            stages = left and left["stage"], right and right["stage"]
            told = _settings(one, at, left), _settings(other, at, right)
            names = sorted(told[0].keys() | told[1].keys())
            values = {name: (told[0].get(name), told[1].get(name)) for name in names}
            return StageDifference(stages, {name: both for name, both in values.items() if both[0] != both[1]})
    return None


def _settings(manifest: Mapping[str, Any], at: int, stage: Mapping[str, Any] | None) -> dict[str, Any]:
    """What decides a stage, as the manifest tells it."""
    filters: list[dict[str, Any]] = manifest["filters"]
    if stage is None:
        return {}
    if at == 0:
        return {name: value for name, value in manifest.items() if name not in NOT_SELECTION}
    if at == 1:
        return {"target": manifest["target"], **manifest.get("target_params", {})}
    if at - 2 < len(filters):
        return dict(filters[at - 2])
    return {name: manifest.get(name) for name in ROWS_SETTINGS}


def _side_by_side(one: Dataset, other: Dataset) -> Iterator[tuple[str, _Fate, _Fate]]:
    """Every problem that either of them knows, with what each made of it."""
    nothing = _Fate({}, None)
    told = merge(
        ((key, 0, problem, fate) for key, problem, fate in _fates(one)),
        ((key, 1, problem, fate) for key, problem, fate in _fates(other)),
        key=lambda found: found[:2],
    )
    for _, found in groupby(told, key=lambda found: found[0]):
        sides = {side: (problem, fate) for _, side, problem, fate in found}
        problem = next(iter(sides.values()))[0]
        yield problem, sides.get(0, ("", nothing))[1], sides.get(1, ("", nothing))[1]


def _fates(dataset: Dataset) -> Iterator[tuple[str, str, _Fate]]:
    """Per problem: what it is sorted by, its id, and what became of it."""
    files = [*(f"{split}.jsonl" for split in SPLITS), REJECTS]
    lines = merge(*(_lines(dataset, file) for file in files), key=lambda line: line[0])
    for key, together in groupby(lines, key=lambda line: line[0]):
        found = list(together)
        rows: dict[str, list[str]] = {}
        rejected: str | None = None
        for _, _, file, row in found:
            if file == REJECTS:
                rejected = f"{row['stage']}: {row['reason']}"
            else:
                rows.setdefault(file.removesuffix(".jsonl"), []).append(digest(row))
        yield key, found[0][1], _Fate({split: tuple(some) for split, some in sorted(rows.items())}, rejected)


def _lines(dataset: Dataset, file: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """The lines of one file, each with its problem and what that is sorted by."""
    sources = (source["problem"] for source in dataset.sources() if source["file"] == file)
    last = ""
    for row in lines_of(dataset.path / file):
        problem = next(sources, None) or row.get("problem")
        if problem is None:
            raise DatasetError(f"{str(dataset.path)!r} does not tell the problems of its rows. Harvest it again.")
        key = storable(problem)
        if key < last:
            raise DatasetError(
                f"{file} of {str(dataset.path)!r} is not in the order of its problems, so it cannot be compared. Harvest it again."
            )
        last = key
        yield key, problem, file, row
