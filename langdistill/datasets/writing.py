"""Writes a data set row by row, beside its place; the folder takes its place when it is whole."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

import langdistill
from langdistill.datasets.card import card_of
from langdistill.datasets.formats.fitting import Unfit, find_format
from langdistill.datasets.reading import MANIFEST, REJECTS, SOURCES, hash_of, lines_of, rows_hash
from langdistill.datasets.splitting import SPLITS, Split
from langdistill.datasets.waterfall import told_verdict
from langdistill.errors import DatasetError
from langdistill.records import Example, digest

CARD = "README.md"
FILES = {split: f"{split}.jsonl" for split in SPLITS}


class DatasetWriter:
    """Writes rows and rejects one at a time into a folder that is not yet in its place; `finish` makes it whole."""

    def __init__(self, folder: Path, format: str) -> None:
        """Begin.

        Raises:
            UnknownName: of the format.
        """
        self.format = format
        self.kept = 0
        """Examples that the format holds."""
        self._rows_of = find_format(format)
        self._folder = folder
        self._numbers: Counter[str] = Counter()
        self._unfit: Counter[str] = Counter()
        self._terms: dict[str, Counter[str]] = {"consent": Counter(), "licence": Counter()}
        self._files: dict[str, IO[bytes]] = {}
        for name in (*FILES.values(), REJECTS, SOURCES):
            self._files[name] = (folder / name).open("wb")

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def add(self, example: Example, split: Split) -> None:
        """Write the rows of an example, or reject it where the format cannot hold it."""
        try:
            rows = [_exact_line(row) for row in self._rows_of(example)]
        except Unfit as unfit:
            self._unfit[unfit.reason] += 1
            self.reject(
                {"problem": example.problem, "stage": self.stage, "reason": unfit.reason, "traces": example.traces}
            )
            return
        self.kept += 1
        told = {
            name: value for name in ("consent", "licence", "style") if (value := getattr(example, name)) is not None
        }
        told["verdicts"] = [told_verdict(one) for one in example.verdicts]
        for name, counts in self._terms.items():
            counts[told.get(name, "unknown")] += len(rows)
        for row in rows:
            self._put(FILES[split], row, example.problem, example.traces, told)

    def reject(self, reject: Mapping[str, Any]) -> None:
        """Write what was dropped, with its reason."""
        row = {key: value for key, value in reject.items() if key != "traces"}
        self._put(REJECTS, _line(row), reject["problem"], reject["traces"], {})

    @property
    def stage(self) -> str:
        """The format as a stage of the harvest."""
        return f"format {self.format}"

    @property
    def level(self) -> dict[str, Any]:
        """What the format let through, for the waterfall: examples, not problems."""
        dropped = self._unfit.total()
        return {
            "stage": self.stage,
            "kept": self.kept,
            "dropped": dropped,
            "reasons": dict(sorted(self._unfit.items())),
        }

    def finish(
        self, funnel: list[dict[str, Any]], chain: list[dict[str, str]], told: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the manifest and the card.

        Raises:
            DatasetError: no row was written.
        """
        if not self.kept:
            raise DatasetError(
                f"No row fits the format {self.format!r}: {dict(self._unfit)}. Choose another target or format."
            )
        if not self._numbers[FILES["train"]]:
            self._all_to_train()
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        files = {name: hash_of(self._folder / name) for name in self._files}
        hashed = rows_hash({split: files[name] for split, name in FILES.items()})
        manifest: dict[str, Any] = {
            "version": 2,
            "package": f"langdistill {langdistill.__version__}",
            "format": self.format,
            "hash": hashed,
            "rows": {split: self._numbers[name] for split, name in FILES.items()},
            "funnel": [*funnel, *([self.level] if self._unfit else [])],
            "chain": [*chain, {"stage": "rows", "hash": digest(chain[-1]["hash"], dict(told), hashed)}],
            "files": files,
            "terms": {
                name: dict(sorted(counts.items())) for name, counts in self._terms.items() if set(counts) != {"unknown"}
            },
            **told,
        }
        whole = _json(manifest, orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        manifest = orjson.loads(whole)
        self._whole(MANIFEST, whole)
        self._whole(CARD, card_of(manifest).encode())
        return manifest

    def _put(self, name: str, line: bytes, problem: str, traces: Sequence[str], told: dict[str, Any]) -> None:
        self._files[name].write(line)
        source = {"file": name, "row": self._numbers[name], "problem": problem, "traces": traces}
        self._files[SOURCES].write(_line(source | told))
        self._numbers[name] += 1

    def _all_to_train(self) -> None:
        """A data set so small that the draw put all of it aside is one to train on."""
        train, aside = FILES["train"], FILES["validation"]
        for file in self._files.values():
            file.flush()
        os.replace(self._folder / aside, self._folder / train)
        (self._folder / aside).touch()
        sources: Iterable[dict[str, Any]] = lines_of(self._folder / SOURCES)
        changed = b"".join(_line(one | {"file": train} if one["file"] == aside else one) for one in sources)
        (self._folder / SOURCES).write_bytes(changed)
        self._numbers = Counter(self._numbers | {train: self._numbers[aside], aside: 0})

    def _whole(self, name: str, data: bytes) -> None:
        with (self._folder / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


LINE = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def _exact_line(row: Mapping[str, Any]) -> bytes:
    """A row as it is, or not at all."""
    try:
        return orjson.dumps(row, option=LINE)
    except TypeError as error:
        raise Unfit("no-json") from error


def _line(told: Mapping[str, Any]) -> bytes:
    return _json(told, LINE)


def _json(told: Any, option: int) -> bytes:
    """What is told of rows, whatever was recorded: half a surrogate pair is spelt out, and a number of any size is text."""
    try:
        return orjson.dumps(told, option=option)
    except TypeError:
        return orjson.dumps(_spelt(told), option=option)


def _spelt(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_spelt(key): _spelt(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelt(one) for one in value]
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value
