"""What a student is: base, adapter, recipe and the data set it learnt from, beside its adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from langdistill.errors import StudentError
from langdistill.records import Record
from langdistill.students.local import LocalChatModel
from langdistill.students.train.recipe import Recipe

CARD = "student.json"


class Student(Record):
    """A trained student."""

    base: str
    """Folder of the base model."""
    recipe: Recipe
    dataset_hash: str
    seed: int
    rows: int
    versions: dict[str, str]


def load_student(path: str | Path, **knobs: Any) -> LocalChatModel:
    """The student in a folder as a chat model; the knobs are those of `LocalChatModel`.

    Raises:
        StudentError: the folder holds no student.
    """
    folder = Path(path)
    try:
        student = Student.model_validate_json((folder / CARD).read_bytes())
    except (OSError, ValidationError) as error:
        raise StudentError(
            f"There is no student in {str(folder)!r}: {error}. Train one with `langdistill train`."
        ) from error
    return LocalChatModel(model=student.base, adapter=str(folder), **knobs)
