"""A data set on disk: a folder that is there whole or not at all, with a manifest that proves what it holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

import langdistill
from langdistill.errors import DatasetError, UnknownName
from langdistill.folders import written_beside
from langdistill.records import Example, digest

FORMATS = Path(__file__).parent / "formats"
SPLITS = ("train", "validation")
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

    def sources(self) -> list[dict[str, Any]]:
        """Of each row, the rejected ones too: its file, its number there from 0, its problem and the ids of its traces.

        Empty for a data set that an older release wrote.
        """
        return sources_in(self.path)

    def rows(self, *splits: str) -> list[dict[str, Any]]:
        """The rows of the splits, or of all."""
        return [row for split in splits or SPLITS for row in _rows(self.path, split)]


def write_dataset(
    out: Path,
    format: str,
    examples: Sequence[Example],
    rejects: Sequence[dict[str, Any]],
    funnel: list[dict[str, Any]],
    told: dict[str, Any],
) -> Dataset:
    """Write rows, rejects, manifest and card beside `out`, then take its place.

    Raises:
        UnknownName: of the format.
    """
    to_rows = _format(format)
    parts = {split: to_rows([one for one in examples if one.split == split]) for split in SPLITS}
    files = {f"{split}.jsonl": _lines(rows) for split, rows in parts.items()}
    files[REJECTS] = _lines({key: value for key, value in one.items() if key != "traces"} for one in rejects)
    files[SOURCES] = _lines(_sources(examples, rejects))
    manifest = {
        "version": 1,
        "package": f"langdistill {langdistill.__version__}",
        "format": format,
        "hash": _hash(parts),
        "rows": {split: len(rows) for split, rows in parts.items()},
        "funnel": funnel,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        **told,
    }
    files[MANIFEST] = orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    files["README.md"] = _card(manifest).encode()
    _place(out, files)
    return Dataset(out, manifest)


def read_dataset(path: str | Path) -> Dataset:
    """The data set in a folder.

    Raises:
        DatasetError: there is none, or a file is missing or is not what was written.
    """
    folder = Path(path)
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    except (OSError, KeyError, orjson.JSONDecodeError) as error:
        raise DatasetError(f"{str(folder)!r} is no data set: {error}. Write one with `langdistill harvest`.") from error
    changed = [name for name, value in manifest["files"].items() if found[name] != value]
    if not changed and _hash({split: _rows(folder, split) for split in SPLITS}) != manifest.get("hash"):
        changed = [MANIFEST]
    if changed:
        raise DatasetError(
            f"The data set {str(folder)!r} was changed after it was written: {', '.join(changed)}. Harvest it again."
        )
    return Dataset(folder, manifest)


def sources_in(folder: Path) -> list[dict[str, Any]]:
    """What `Dataset.sources` tells, of a folder that need not be read as a whole."""
    path = folder / SOURCES
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []


def _sources(examples: Sequence[Example], rejects: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    made = {f"{split}.jsonl": [(one.problem, one.traces) for one in examples if one.split == split] for split in SPLITS}
    made[REJECTS] = [(one["problem"], one.get("traces", [])) for one in rejects]
    for file, rows in made.items():
        for number, (problem, traces) in enumerate(rows):
            yield {"file": file, "row": number, "problem": problem, "traces": traces}


def _rows(folder: Path, split: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / f"{split}.jsonl").read_bytes().splitlines()]


def _hash(parts: Mapping[str, Sequence[Any]]) -> str:
    return digest(*(digest(split, rows) for split, rows in parts.items()))


def _format(name: str) -> Any:
    known = [path.stem for path in FORMATS.glob("[a-z]*.py")]
    if name not in known:
        raise UnknownName("format", name, known)
    return import_module(f"langdistill.datasets.formats.{name}").rows


def _lines(rows: Iterable[Any]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for row in rows)


def _place(out: Path, files: dict[str, bytes]) -> None:
    with written_beside(out) as folder:
        for name, data in files.items():
            with (folder / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())


def _card(manifest: dict[str, Any]) -> str:
    filters = ", ".join(one["name"] for one in manifest["filters"]) or "none"
    stages = "\n".join(
        f"| {stage['stage']} | {stage['kept']} | {stage['dropped']} | "
        f"{', '.join(f'{reason}: {count}' for reason, count in stage['reasons'].items())} |"
        for stage in manifest["funnel"]
    )
    return f"""---
tags: [langdistill]
---
# Data set {manifest["hash"][:12]}

{manifest["rows"]["train"]} rows to train on and {manifest["rows"]["validation"]} to validate with, split by problem. Target: `{manifest["target"]}`. Filters: {filters}.
No gold answer was read. What was dropped is in `rejects.jsonl`, with its reason.

| stage | kept | dropped | why |
|---|---|---|---|
{stages}
"""
