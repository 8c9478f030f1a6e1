from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langdistill import LocalChatModel, VllmChatModel, create_chain_of_thought
from langdistill.asking import chat_model
from langdistill.errors import StudentError
from langdistill.lab import WEIGHTS
from langdistill.students.bases import base_digest
from langdistill.students.card import Stage, Student
from langdistill.students.train.recipe import Recipe
from langdistill.students.versioned import CARD

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab_model")]


def student(place: Path, version: int = 1, **fields: Any) -> Path:
    """A version of a student, without its weights."""
    folder = place / f"v{version}"
    folder.mkdir(parents=True)
    stage = Stage(objective="sft", recipe=Recipe(), dataset_hash="0", seed=0, rows=1, steps=1)
    told = {"base": str(WEIGHTS), "base_digest": base_digest(WEIGHTS), "weights": "0" * 64} | fields
    made = Student(folder=folder, name=place.name, version=version, stages=[stage], versions={}, **told)
    (folder / CARD).write_text(made.model_dump_json())
    return folder


def test_a_string_names_a_model_in_a_folder() -> None:
    graph = create_chain_of_thought(f"local:{WEIGHTS}")
    asked = 'Take the last letters of the words in "Ada Grace" and concatenate them.'
    assert graph.invoke({"messages": [("user", asked)]})["answer"] == "ae"


@pytest.mark.parametrize(("kind", "made"), [("local", LocalChatModel), ("vllm", VllmChatModel)])
def test_a_string_names_a_student(kind: str, made: type, tmp_path: Path) -> None:
    student(tmp_path)
    latest = student(tmp_path, 2)
    whole = student(tmp_path / "whole", holds="model")
    found: Any = chat_model(f"{kind}:{tmp_path}")
    assert isinstance(found, made)
    assert (found.model, found.adapter) == (str(WEIGHTS), str(latest))
    assert chat_model(f"{kind}:{tmp_path / 'v1'}").adapter == str(tmp_path / "v1")  # type: ignore[attr-defined]
    found = chat_model(f"{kind}:{whole}")
    assert (found.model, found.adapter) == (str(whole), None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"head": "score"}, "gives no text but score"),
        ({"base_digest": "0" * 64}, "is of the base"),
        ({"base": "/nowhere"}, "There is no base model"),
    ],
)
def test_a_student_that_cannot_answer_is_refused(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    student(tmp_path, **fields)
    with pytest.raises(StudentError, match=message):
        chat_model(f"vllm:{tmp_path}")


def test_a_path_without_a_model_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(StudentError, match="There is no"):
            chat_model(f"local:{path}")
