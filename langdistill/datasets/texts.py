"""The questions in a file or folder that somebody else made: what a pool or an evaluation set is read from, answers left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from langdistill.datasets.reading import read_dataset
from langdistill.errors import DatasetError
from langdistill.records import digest, text_of

TextSource = str | Path | Sequence[str]
"""A file, the folder of a data set, or the texts themselves."""

CONVERSATIONS = ("messages", "prompt", "conversations")
"""Fields that may hold a conversation; what its user says is the question."""
QUESTIONS = (
    ("instruction", "input"),
    ("Body", "Question"),
    ("question",),
    ("problem",),
    ("prompt",),
    ("query",),
    ("input",),
    ("text",),
)
"""Fields that hold a question, one after another; the first of these that a row has."""


@dataclass(frozen=True)
class Texts:
    """Texts, told in a manifest by their number and digest."""

    items: tuple[str, ...] = ()

    @property
    def told(self) -> dict[str, Any]:
        """What a manifest says of them; equal for equal texts, wherever they lie."""
        return {"texts": len(self.items), "digest": digest(*self.items)[:16]}


def texts_of(source: TextSource) -> Texts:
    """The texts of a source, in its order.

    Args:
        source: the texts; the folder of a data set; or a file: `.txt` with one text a line, `.jsonl` or `.json` with strings or
            rows. Of a row its question is read (`instruction` and `input`, `question`, `problem`, `prompt`, `query`, `text`;
            of `messages` or `conversations` what the user says), never its answer.

    Raises:
        DatasetError: it is missing, of another kind, or holds a row without a question.
    """
    if not isinstance(source, (str, Path)):
        if wrong := [one for one in cast("Sequence[Any]", source) if not isinstance(one, str)]:
            raise DatasetError(
                f"A text was expected, and {type(wrong[0]).__name__} came; give a path or a list of strings."
            )
        return Texts(tuple(source))
    path = Path(source)
    if path.is_dir():
        return Texts(tuple(_questions(path, read_dataset(path).rows())))
    if path.suffix not in (".txt", ".json", ".jsonl"):
        raise DatasetError(
            f"{str(path)!r} is no file that texts are read from; give a .txt, .json or .jsonl file, the folder of a data set, "
            "or the texts themselves as a list."
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"The texts in {str(path)!r} cannot be read: {error}. Check the path.") from error
    if path.suffix == ".txt":
        return Texts(tuple(line for line in data.decode(errors="replace").splitlines() if line.strip()))
    return Texts(tuple(_questions(path, _rows(path, data))))


def _rows(path: Path, data: bytes) -> Iterable[Any]:
    """The rows of a JSON file; many a `.json` has a row a line."""
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _lines(path, data)
    return whole if isinstance(whole, list) else [whole]


def _lines(path: Path, data: bytes) -> Iterator[Any]:
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DatasetError(f"Line {number} of {str(path)!r} is no JSON: {error}. Mend or remove it.") from error


def _questions(path: Path, rows: Iterable[Any]) -> Iterator[str]:
    for number, row in enumerate(rows, 1):
        found = row if isinstance(row, str) else _question(row) if isinstance(row, dict) else None
        if found is None:
            has = f"the fields {', '.join(map(repr, row))}" if isinstance(row, dict) else type(row).__name__
            raise DatasetError(
                f"Row {number} of {str(path)!r} holds no question that is known: it is {has}. Read the texts yourself and give a list."
            )
        yield found


def _question(row: dict[str, Any]) -> str | None:
    for field in CONVERSATIONS:
        if isinstance(row.get(field), list):
            return _user_says(row[field])
    for fields in QUESTIONS:
        if isinstance(row.get(fields[0]), str):
            return "\n".join(row[one] for one in fields if isinstance(row.get(one), str) and row[one])
    return None


def _user_says(conversation: list[Any]) -> str | None:
    turns = [one for one in conversation if isinstance(one, dict)]
    said = [text_of({"content": one.get("content", one.get("value"))}) for one in turns if _is_user(one)]
    return "\n".join(text for text in said if text) if turns else None


def _is_user(turn: dict[str, Any]) -> bool:
    return turn.get("role", turn.get("from")) in ("user", "human")
