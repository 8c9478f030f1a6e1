"""The files that rows are kept in: JSON lines, or Parquet. The hash of a data set is that of its JSON lines in both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from langdistill.datasets.shapes import Columns, arrow_type, feature, packed, told, unpacked, untold
from langdistill.errors import DatasetError, MissingExtra

Container = Literal["jsonl", "parquet"]
CONTAINERS: tuple[Container, ...] = get_args(Container)
SHAPE = b"langdistill"
"""Key of the shape in a Parquet file's metadata."""
GROUP_BYTES = 8_000_000
"""JSON text of the rows in a row group, more or less."""
GROUP_ROWS = 10_000


def rows_in(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    """The rows of a split, one at a time, whichever container they are in.

    Raises:
        FileNotFoundError: there is no file of the split.
        MissingExtra: they are in Parquet, and pyarrow is not installed.
    """
    parquet = folder / f"{split}.parquet"
    return read_parquet(parquet) if parquet.is_file() else lines_of(folder / f"{split}.jsonl")


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines of a file, one at a time."""
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def lines_hash(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over the rows as JSON lines."""
    total = hashlib.sha256()
    for row in rows:
        total.update(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return total.hexdigest()


def needs_extra(container: str) -> None:
    """Whether rows can be written so, before the work begins.

    Raises:
        DatasetError: there is no such container.
        MissingExtra: pyarrow is not installed.
    """
    if container not in CONTAINERS:
        raise DatasetError(f"There is no container {container!r} for rows. Known: {', '.join(CONTAINERS)}.")
    if container == "parquet":
        _pyarrow()


def write_parquet(lines: Path, out: Path, columns: Columns) -> None:
    """Write the rows of a file of JSON lines, a row group at a time, and read them again.

    Args:
        lines: the rows.
        out: of the Parquet file.
        columns: their shape.

    Raises:
        MissingExtra: pyarrow is not installed.
        DatasetError: what is read again is not what was written.
    """
    arrow, parquet = _pyarrow()
    packs = {name: packed(shape) for name, shape in columns.items()}
    schema, plain = _schema(arrow, columns), _schema(arrow, columns, marked=False)
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in _groups(lines):
            rows = [{name: packs[name](value) for name, value in row.items()} for row in group]
            writer.write_table(arrow.Table.from_pylist(rows, schema=plain).cast(schema))
    if lines_hash(read_parquet(out)) != lines_hash(lines_of(lines)):
        raise DatasetError("Parquet cannot hold these rows: they were read back differently. Write JSON lines instead.")


def read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file that `write_parquet` wrote; a column that a row has not is not in it."""
    _, parquet = _pyarrow()
    with parquet.ParquetFile(path) as file:
        said = file.schema_arrow.metadata[SHAPE]
        unpacks = {name: unpacked(untold(shape)) for name, shape in orjson.loads(said).items()}
        for batch in file.iter_batches(batch_size=1000):
            for row in batch.to_pylist():
                yield {name: unpacks[name](value) for name, value in row.items() if value is not None}


def _groups(lines: Path) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    with lines.open("rb") as file:
        for line in file:
            group.append(orjson.loads(line))
            size += len(line)
            if size > GROUP_BYTES or len(group) == GROUP_ROWS:
                yield group
                group, size = [], 0
    if group:
        yield group


def _schema(arrow: Any, columns: Columns, *, marked: bool = True) -> Any:
    """With the features in it, by which Hugging Face `datasets` reads JSON text as what it says."""
    features = {"info": {"features": {name: feature(shape) for name, shape in columns.items()}}}
    shapes = {name: told(shape) for name, shape in columns.items()}
    return arrow.schema(
        [(name, arrow_type(arrow, shape, marked=marked)) for name, shape in columns.items()],
        metadata={b"huggingface": orjson.dumps(features), SHAPE: orjson.dumps(shapes)},
    )


def _pyarrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as missing:
        raise MissingExtra("pyarrow", "parquet") from missing
