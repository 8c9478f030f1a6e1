"""Chat models by a path: "local:students/concierge" in this process, "vllm:students/concierge" through vLLM's offline `LLM`.

The path is of a student, of a version of one, or of a model: a folder, or a name on the hub.
"""

from __future__ import annotations

from pathlib import Path

from langdistill.errors import StudentError
from langdistill.students.bases import base_folder
from langdistill.students.card import read_student
from langdistill.students.local import LocalChatModel
from langdistill.students.sampled import SampledChatModel
from langdistill.students.serving.offline import VllmChatModel
from langdistill.students.versioned import CARD, versions_of

KINDS: dict[str, type[SampledChatModel]] = {"local": LocalChatModel, "vllm": VllmChatModel}


def model_named(name: str) -> SampledChatModel:
    """The chat model of a name such as "vllm:PATH".

    Raises:
        StudentError: there is neither a student nor a model, or the student gives no text or is of another base.
    """
    kind, _, path = name.partition(":")
    model, adapter = weights_at(path)
    return KINDS[kind](model=model, adapter=adapter)


def weights_at(path: str | Path) -> tuple[str, str | None]:
    """The folder of the model behind a path, and that of the adapter where the path is of a student that has one.

    Raises:
        StudentError: there is neither a student nor a model, or the student gives no text or is of another base.
    """
    place = Path(path).expanduser()
    if not ((place / CARD).is_file() or versions_of(place)):
        return str(base_folder(path)), None
    student = read_student(place)
    if student.head != "text":
        raise StudentError(f"{student.served_name} gives no text but {student.head}: it is no chat model.")
    return (str(student.folder), None) if student.holds == "model" else (str(student.check_base()), str(student.folder))
