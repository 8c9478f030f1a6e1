"""A data set on disk: a folder that is there whole or not at all, with a manifest that proves what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from langdistill.datasets.containers import lines_hash, lines_of, rows_in
from langdistill.datasets.shapes import columns_of, feature
from langdistill.datasets.splitting import SPLITS
from langdistill.errors import DatasetError, MissingExtra
from langdistill.folders import recovered
from langdistill.records import digest

REJECTS = "rejects.jsonl"
SOURCES = "sources.jsonl"
"""Which traces each row was made of; apart from the rows, so that these stay alike whichever runs they came from."""
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Dataset:
    """A data set that was written, or read back and found whole."""

    path: Path
    manifest: dict[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 over the rows and their splits: equal for equal rows, whenever and from whichever runs they were made."""
        return self.manifest["hash"]

    @property
    def funnel(self) -> list[dict[str, Any]]:
        """What each stage kept and dropped."""
        return self.manifest["funnel"]

    @property
    def chain(self) -> list[dict[str, str]]:
        """A hash per stage, from the query to the rows."""
        return self.manifest["chain"]

    def sources(self) -> Iterator[dict[str, Any]]:
        """Of each row, the rejected ones too: its file, its number there from 0, its problem and the ids of its traces.

        Empty for a data set that an older release wrote.
        """
        return sources_in(self.path)

    def rejects(self) -> Iterator[dict[str, Any]]:
        """What was dropped: problem, stage, reason, and the verdicts up to the last."""
        return lines_of(self.path / REJECTS)

    def rows(self, *splits: str) -> list[dict[str, Any]]:
        """The rows of the splits, or of all."""
        return [row for split in splits or SPLITS for row in rows_in(self.path, split)]

    def to_datasets(self) -> Any:
        """The rows as a Hugging Face `datasets.DatasetDict`, a split each; splits without rows are left out.

        Raises:
            MissingExtra: `datasets` is not installed.
        """
        try:
            import datasets
        except ImportError as missing:
            raise MissingExtra(missing.name or "datasets", "train") from missing
        columns = columns_of(row for split in SPLITS for row in rows_in(self.path, split))
        features = datasets.Features.from_dict({name: feature(shape) for name, shape in columns.items()})
        there = [split for split in SPLITS if self.manifest["rows"][split]]
        return datasets.DatasetDict({split: self._split(datasets, split, features) for split in there})

    def _split(self, datasets: Any, split: str, features: Any) -> Any:
        def rows() -> Iterator[dict[str, Any]]:
            for row in rows_in(self.path, split):
                yield {name: row.get(name) for name in features}

        # the hash names the cache: the same folder may hold another data set tomorrow
        return datasets.Dataset.from_generator(rows, features=features, split=split, fingerprint=self.hash[:32] + split)


def read_dataset(path: str | Path) -> Dataset:
    """The data set in a folder.

    Raises:
        DatasetError: there is none, or a file is missing or is not what was written.
    """
    folder = recovered(Path(path))
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        found = {name: hash_of(folder / name) for name in manifest["files"]}
        changed = [name for name, value in manifest["files"].items() if found[name] != value]
        if not changed and rows_hash(_lines(folder, found)) != manifest["hash"]:
            changed = [MANIFEST]
    except (OSError, KeyError, orjson.JSONDecodeError) as error:
        raise DatasetError(f"{str(folder)!r} is no data set: {error}. Write one with `langdistill harvest`.") from error
    if changed:
        raise DatasetError(
            f"The data set {str(folder)!r} was changed after it was written: {', '.join(changed)}. Harvest it again."
        )
    return Dataset(folder, manifest)


def _lines(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """Hashes of the splits as JSON lines."""
    return {split: files.get(f"{split}.jsonl") or lines_hash(rows_in(folder, split)) for split in SPLITS}


def sources_in(folder: Path) -> Iterator[dict[str, Any]]:
    """What `Dataset.sources` tells, of a folder that need not be read as a whole."""
    path = folder / SOURCES
    return lines_of(path) if path.is_file() else iter(())


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows_hash(files: dict[str, str]) -> str:
    """The hash of a data set from those of its splits."""
    return digest(*(digest(split, files[split]) for split in SPLITS))
