"""The sub-questions that a right solution of a problem answers, as some data sets have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from langdistill.errors import DatasetError
from langdistill.records import digest


@dataclass(frozen=True)
class SubQuestions:
    """Sub-questions of some problems. Made by `sub_questions_of`."""

    of: Mapping[str, Sequence[str]] = field(repr=False)
    """Problem to its sub-questions, in their order."""

    @property
    def name(self) -> str:
        """What a manifest tells of them: of how many problems, and their digest."""
        return f"of {len(self.of)} problems, sha256 {digest({key: list(some) for key, some in self.of.items()})}"


def sub_questions_of(given: Mapping[str, Sequence[str]] | str | Path) -> SubQuestions:
    """Sub-questions, given as they are or in a file.

    Args:
        given: problem to sub-questions; or the path of a file of JSON lines with the keys ``problem`` and ``questions``, a list.

    Raises:
        DatasetError: the file is missing, or a line is none of these.
    """
    if isinstance(given, Mapping):
        return SubQuestions({str(problem): list(some) for problem, some in given.items()})
    path = Path(given)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DatasetError(
            f"The sub-questions {str(path)!r} cannot be read: {error}. Give a file of JSON lines."
        ) from error
    return SubQuestions(dict(_read(line, f"{path}, line {at}") for at, line in enumerate(lines, 1) if line.strip()))


def _read(line: bytes, place: str) -> tuple[str, list[str]]:
    try:
        row: Any = orjson.loads(line)
        problem, questions = row["problem"], row["questions"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        problem = questions = None
    if not isinstance(problem, (str, int)) or not isinstance(questions, list) or not all(
        isinstance(one, str) for one in questions
    ):  # fmt: skip
        raise DatasetError(
            f'{place} holds no sub-questions: {line[:80]!r}. Write {{"problem": "...", "questions": ["...", "..."]}}, one a line.'
        )
    return str(problem), questions
