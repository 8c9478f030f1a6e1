"""Writes a data set row by row, beside its place; the folder takes its place when it is whole."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

import langdistill
from langdistill.datasets.card import card_of
from langdistill.datasets.containers import Container, lines_of, write_parquet
from langdistill.datasets.formats.fitting import Fitted, Format, Unfit, fitted
from langdistill.datasets.masking import Masking
from langdistill.datasets.reading import MANIFEST, REJECTS, SOURCES, hash_of, rows_hash
from langdistill.datasets.shapes import columns_of
from langdistill.datasets.splitting import SPLITS, Split
from langdistill.datasets.waterfall import told_verdict
from langdistill.errors import DatasetError
from langdistill.records import Example, digest

CARD = "README.md"
FILES = {split: f"{split}.jsonl" for split in SPLITS}
"""Where the rows go first; a container other than JSON lines is made of them when all are there."""


class DatasetWriter:
    """Writes rows and rejects one at a time into a folder that is not yet in its place; `finish` makes it whole."""

    def __init__(
        self,
        folder: Path,
        format: Format,
        *,
        container: Container = "jsonl",
        masking: Masking | None = None,
        rendering: str | None = None,
        class_of: Callable[[Example], str | None] | None = None,
    ) -> None:
        """Begin.

        Args:
            folder: that there is, and empty.
            format: of the rows.
            container: of the rows.
            masking: a tokenizer through whose chat template every row must go; rows that lose something in it are rejected.
            rendering: name of what made the rows that are to come.
            class_of: the class that an example is of, where there are any; the manifest tells how many rows each has.
        """
        self.format = format.name
        self.rendering = rendering
        self.kept = 0
        """Examples that the format holds."""
        self.sizes: Counter[int] = Counter()
        """Rows of a problem, before the format, and how many problems gave so many."""
        self._hinted = 0
        self._class_of = class_of
        self._classes: dict[Split, Counter[str]] = {split: Counter() for split in SPLITS}
        self._format = format
        self._container = container
        self._masking = masking
        self._folder = folder
        self._numbers: Counter[str] = Counter()
        self._unfit: Counter[str] = Counter()
        self._unrendered: Counter[str] = Counter()
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
            rows = self._fitted(example)
        except Unfit as unfit:
            self._unfit[unfit.reason] += 1
            self._reject_row(example, unfit, self.stage)
            return
        self.kept += 1
        self._hinted += len(rows) * example.hint_used
        if self._class_of and (label := self._class_of(example)):
            self._classes[split][label] += len(rows)
        told = {
            name: value for name in ("consent", "licence", "style") if (value := getattr(example, name)) is not None
        }
        told |= {"hint_used": True} if example.hint_used else {}
        told["verdicts"] = [told_verdict(one) for one in example.verdicts]
        for name, counts in self._terms.items():
            counts[told.get(name, "unknown")] += len(rows)
        for row in rows:
            self._put(FILES[split], row.line, example.problem, example.traces, told)

    def unrendered(self, example: Example, unfit: Unfit) -> None:
        """Reject a row that a rendering could not make of an example."""
        self._unrendered[unfit.reason] += 1
        self._reject_row(example, unfit, self.rendering_stage)

    def reject(self, reject: Mapping[str, Any]) -> None:
        """Write what was dropped, with its reason."""
        row = {key: value for key, value in reject.items() if key != "traces"}
        self._put(REJECTS, _line(row), reject["problem"], reject["traces"], {})

    @property
    def stage(self) -> str:
        """The format as a stage of the harvest."""
        return f"format {self.format}"

    @property
    def rendering_stage(self) -> str:
        """The rendering as a stage of the harvest."""
        return f"rendering {self.rendering}"

    @property
    def levels(self) -> list[dict[str, Any]]:
        """What rendering and format let through, for the waterfall, where they did not let through everything: rows, not problems."""
        rendered = self.kept + self._unfit.total()
        stages = ((self.rendering_stage, rendered, self._unrendered), (self.stage, self.kept, self._unfit))
        return [
            {"stage": stage, "kept": kept, "dropped": why.total(), "reasons": dict(sorted(why.items()))}
            for stage, kept, why in stages
            if why
        ]

    def finish(
        self, funnel: list[dict[str, Any]], chain: list[dict[str, str]], told: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the manifest and the card.

        Raises:
            DatasetError: no row was written.
        """
        if not self.kept:
            raise DatasetError(
                f"No row fits the format {self.format!r}: {dict(self._unrendered + self._unfit)}. "
                "Choose another target, rendering or format."
            )
        if not self._numbers[FILES["train"]]:
            self._all_to_train()
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        hashed = rows_hash({split: hash_of(self._folder / name) for split, name in FILES.items()})
        self._contain()
        classes = {split: dict(sorted(counts.items())) for split, counts in self._classes.items()}
        files = {name: hash_of(self._folder / name) for name in (*self._named.values(), REJECTS, SOURCES)}
        manifest: dict[str, Any] = {
            "version": 2,
            "package": f"langdistill {langdistill.__version__}",
            "format": self.format,
            "container": self._container,
            "hash": hashed,
            "rows": {split: self._numbers[name] for split, name in FILES.items()},
            "funnel": [*funnel, *self.levels],
            "chain": [*chain, {"stage": "rows", "hash": digest(chain[-1]["hash"], dict(told), hashed)}],
            "files": files,
            "terms": {
                name: dict(sorted(counts.items())) for name, counts in self._terms.items() if set(counts) != {"unknown"}
            },
            "rows_per_problem": {str(size): count for size, count in sorted(self.sizes.items())},
            **({"hint_used": self._hinted} if self._hinted else {}),
            **({"classes": classes} if any(classes.values()) else {}),
            **told,
        }
        whole = _json(manifest, orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        manifest = orjson.loads(whole)
        self._whole(MANIFEST, whole)
        self._whole(CARD, card_of(manifest).encode())
        return manifest

    @property
    def _named(self) -> dict[str, str]:
        """The file of each split, when all is done."""
        return {split: f"{split}.{self._container}" for split in SPLITS}

    def _fitted(self, example: Example) -> list[Fitted]:
        rows = fitted(self._format, example)
        if self._masking:
            for row in rows:
                self._masking.check(row.row)
        return rows

    def _contain(self) -> None:
        """Put the rows into their container."""
        if self._container == "jsonl":
            return
        columns = columns_of(row for name in FILES.values() for row in lines_of(self._folder / name))
        for split, name in FILES.items():
            out = self._folder / self._named[split]
            write_parquet(self._folder / name, out, columns)
            (self._folder / name).unlink()
            with out.open("rb+") as file:
                os.fsync(file.fileno())

    def _reject_row(self, example: Example, unfit: Unfit, stage: str) -> None:
        style = {"style": example.style} if example.style else {}
        told = {"problem": example.problem, "stage": stage, "reason": unfit.reason, "call": example.call}
        self.reject({**told, **style, "traces": example.traces})

    def _put(self, name: str, line: bytes, problem: str, traces: Sequence[str], told: dict[str, Any]) -> None:
        self._files[name].write(line)
        file = name.replace(".jsonl", f".{self._container}") if name in FILES.values() else name
        source = {"file": file, "row": self._numbers[name], "problem": problem, "traces": traces}
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
        there, held = self._named["train"], self._named["validation"]
        changed = b"".join(_line(one | {"file": there} if one["file"] == held else one) for one in sources)
        (self._folder / SOURCES).write_bytes(changed)
        self._numbers = Counter(self._numbers | {train: self._numbers[aside], aside: 0})
        self._classes = {"train": self._classes["validation"], "validation": Counter()}

    def _whole(self, name: str, data: bytes) -> None:
        with (self._folder / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


LINE = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


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
