"""Right answers that a supervised filter compares with. They live apart from the traces, and a manifest holds their digest only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from langdistill.errors import DatasetError
from langdistill.records import digest


@dataclass(frozen=True)
class Gold:
    """Right answers of some problems. Made by `gold_of`."""

    answers: Mapping[str, str] = field(repr=False)
    """Problem to its answer."""

    @property
    def name(self) -> str:
        """What a manifest tells of them: how many, and their digest."""
        return f"{len(self.answers)} answers, sha256 {digest(dict(self.answers))}"


def gold_of(gold: Mapping[str, str] | str | Path) -> Gold:
    """The right answers, given as they are or in a file.

    Args:
        gold: problem to answer; or the path of a file of JSON lines with the keys ``problem`` and ``answer``, others left aside.

    Raises:
        DatasetError: the file is missing, a line is none of these, or a problem has two different answers.
    """
    if isinstance(gold, Mapping):
        return Gold({str(problem): str(answer) for problem, answer in gold.items()})
    path, answers = Path(gold), dict[str, str]()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DatasetError(
            f"The gold answers {str(path)!r} cannot be read: {error}. Give a file of JSON lines."
        ) from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            problem, answer = _read(line, f"{path}, line {number}")
            if answers.setdefault(problem, answer) != answer:
                raise DatasetError(
                    f"{path}, line {number}: the problem {problem!r} has the answer {answer!r} here and {answers[problem]!r} before. "
                    "Leave one of them."
                )
    return Gold(answers)


def _read(line: bytes, place: str) -> tuple[str, str]:
    try:
        row: Any = orjson.loads(line)
        problem, answer = row["problem"], row["answer"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        problem = answer = None
    if not isinstance(problem, (str, int)) or not isinstance(answer, (str, int, float)):
        raise DatasetError(
            f'{place} is no gold answer: {line[:80]!r}. Write {{"problem": "...", "answer": "..."}}, one a line.'
        )
    return str(problem), str(answer)
