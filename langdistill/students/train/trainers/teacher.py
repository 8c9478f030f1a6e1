"""The teacher of on-policy distillation: a model in this process, and what tells it from any other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from langdistill.datasets.reading import hash_of
from langdistill.errors import StudentError
from langdistill.records import digest
from langdistill.students.bases import base_digest, base_folder, weights_in
from langdistill.students.card import Student, student_at
from langdistill.students.causal import check_causal
from langdistill.students.libraries import imported


@dataclass(frozen=True)
class Teacher:
    """A local model, with an adapter where it is a student."""

    model: Path
    """Folder of the model, its tokenizer beside it."""
    adapter: Path | None
    digest: str
    """Of all its weights, its settings and its tokenizer."""

    @property
    def told(self) -> dict[str, str]:
        """As it goes onto a card."""
        return {"teacher": str(self.adapter or self.model), "digest": self.digest}

    @property
    def remark(self) -> str:
        """What a plan tells of it: its weights are none of the student's."""
        size = sum(
            path.stat().st_size for folder in (self.model, self.adapter) if folder for path in weights_in(folder)
        )
        return f"The teacher, {size / 1e9:.2g} GB of weights on disk, is loaded beside the student; its memory is not in the estimate."

    def tokenizer(self) -> Any:
        """Its tokenizer.

        Raises:
            StudentError: there is none.
        """
        try:
            found = imported("transformers").AutoTokenizer.from_pretrained(str(self.model), local_files_only=True)
        except (OSError, ValueError) as error:
            raise StudentError(
                f"The teacher {str(self.model)!r} has no tokenizer: {str(error).splitlines()[0]} Put one beside it."
            ) from error
        found.pad_token = found.pad_token or found.eos_token
        return found

    def load(self, *, bf16: bool) -> Any:
        """Its weights, the adapter merged.

        Args:
            bf16: whether the training computes in two bytes; the teacher then has two-byte weights, else float32.

        Raises:
            StudentError: they are no causal language model.
        """
        torch, kind = imported("torch"), imported("transformers").AutoModelForCausalLM
        dtype = torch.bfloat16 if bf16 else torch.float32
        try:
            model = kind.from_pretrained(str(self.model), dtype=dtype, local_files_only=True)
            if self.adapter:
                model = imported("peft").PeftModel.from_pretrained(model, str(self.adapter)).merge_and_unload()
        except (OSError, ValueError, RuntimeError) as error:
            raise StudentError(
                f"The teacher {str(self.adapter or self.model)!r} cannot be loaded: {str(error).splitlines()[0]} "
                "Give a causal language model or a student."
            ) from error
        return model.eval()


def teacher_of(given: str | Path | Student | None, objective: str) -> Teacher:
    """The teacher in a folder, or under a name on the hub.

    Args:
        given: a model, or a student: its latest version, or the version given.
        objective: that needs it, for the error.

    Raises:
        StudentError: none was given, there is none, or it is something else than a causal language model.
    """
    if given is None:
        raise StudentError(
            f"{objective} learns from a teacher, and none was given. Give one: {objective}(teacher='...')."
        )
    student = given if isinstance(given, Student) else student_at(given)
    if student is None:
        folder = _causal(str(given))
        return Teacher(folder, None, digest(base_digest(folder), weights_digest(folder)))
    if student.head != "text":
        raise StudentError(
            f"The student {student.served_name} gives no text but {student.head}: it cannot teach to speak."
        )
    if student.holds == "model":
        return Teacher(student.folder, None, digest(base_digest(student.folder), weights_digest(student.folder)))
    base = student.check_base()
    return Teacher(
        base, student.folder, digest(base_digest(base), weights_digest(base), weights_digest(student.folder))
    )


def _causal(given: str) -> Path:
    try:
        folder = base_folder(given)
        check_causal(folder)
    except StudentError as error:
        raise StudentError(f"{given!r} cannot be the teacher: {error}") from error
    return folder


def weights_digest(folder: Path) -> str:
    """SHA-256 over all weights in a folder, whole: teachers may differ in one layer alone. About a second per gigabyte, once."""
    files = [(path, path.stat()) for path in weights_in(folder)]
    return digest([[path.name, _file_digest(path, told.st_size, told.st_mtime_ns)] for path, told in files])


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, changed: int) -> str:
    return hash_of(path)


def vocabulary_of(tokenizer: Any) -> dict[str, int]:
    """The ids of all tokens, which two models must share for their distributions to be compared."""
    return dict(tokenizer.get_vocab())
