"""Problems of one's own: a file with a JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import orjson

from langdistill.answers import Extract, final_answer, same
from langdistill.errors import EvaluationError
from langdistill.evaluation.tasks.taskset import TaskSet
from langdistill.records import Problem

KEYS = ("id", "question", "answer")
SHAPE = '{"id": "1", "question": "2 + 2?", "answer": "4", "category": "sums"}'


def read_problems(path: str | Path, *, extract: Extract = final_answer) -> TaskSet:
    """The task in a file whose lines hold `id`, `question`, `answer` and, maybe, `category`.

    Args:
        path: of the file; the task goes by its name.
        extract: reads the answer out of a reply. The file's answers are read by it as well, so that both have one spelling.

    Raises:
        EvaluationError: there is no such file, it is empty, or a line is something else; says which.
    """
    place = Path(path)
    try:
        lines = place.read_text(encoding="utf-8-sig").split("\n")  # other ends of lines may stand in JSON texts
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"No problems can be read from {str(place)!r}: {error}. Give a file of JSON lines."
        ) from error
    task = TaskSet(place.stem, [], {}, {}, extract, same, "{question}")
    for number, line in enumerate(lines, 1):
        if line.strip():
            _add(task, _read(line, f"Line {number} of {str(place)!r}"))
    if not task.problems:
        raise EvaluationError(f"{str(place)!r} holds no problem. Write one a line: {SHAPE}")
    return task


def _add(task: TaskSet, row: dict[str, str]) -> None:
    id, answer = row["id"], row["answer"]
    task.problems.append(Problem(id=id, question=row["question"]))
    if id in task.gold:
        raise EvaluationError(f"The problem {id!r} is there twice. Give every problem an id of its own.")
    task.gold[id] = task.extract(answer) or answer
    if category := row.get("category"):
        task.categories[id] = category


def _read(line: str, where: str) -> dict[str, str]:
    """A row, all of it text; an id or an answer may be written as a number.

    Raises:
        EvaluationError: it is none.
    """
    try:
        row: Any = orjson.loads(line)
    except ValueError as error:
        raise EvaluationError(f"{where} is no JSON: {error}. Write it as {SHAPE}") from error
    found = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
    known = {key: _text(value) for key, value in found.items() if key in (*KEYS, "category") and value is not None}
    if missing := [key for key in KEYS if not known.get(key)]:
        raise EvaluationError(f"{where} has no {' and no '.join(missing)}. Write it as {SHAPE}")
    return {key: text for key, text in known.items() if text is not None}


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
