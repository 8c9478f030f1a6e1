"""What a student is: base, adapter, recipe and the data sets it learnt from, beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import Field

from langdistill.errors import StudentError
from langdistill.folders import write_whole
from langdistill.records import Record
from langdistill.students.bases import base_digest, base_folder
from langdistill.students.heads import Head
from langdistill.students.local import LocalChatModel
from langdistill.students.scoring import Classifier, Scorer
from langdistill.students.serving.endpoint import Endpoint, Served
from langdistill.students.train.recipe import Recipe
from langdistill.students.versioned import CARD, version_at

if TYPE_CHECKING:
    from langdistill.reasoning_openai import ReasoningChatOpenAI


class Stage(Record):
    """One training: of what, on what, how."""

    objective: str
    """Name of the objective: "sft"."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Its settings."""
    recipe: Recipe
    dataset_hash: str
    seed: int
    rows: int
    """Rows trained on."""
    steps: int
    """Updates made."""


class Student(Record):
    """A trained student: a version in its folder."""

    folder: Path = Field(exclude=True)
    """Where it is. Not written: a student may be moved."""
    name: str
    """The name of the folder that its versions are in."""
    version: int = Field(ge=1)
    base: str
    """The base model: its folder, or its name on the hub."""
    base_digest: str
    """What the base was when it was trained on; an adapter is refused on another."""
    holds: Literal["adapter", "model"] = "adapter"
    """What the folder holds: a LoRA adapter of the base, or a whole model."""
    head: Literal["text", "score", "classes"] = "text"
    """What it gives: text, one number a text (a reward model), or one of `labels`."""
    labels: list[str] = Field(default_factory=list)
    """Of a classifier, by index."""
    weights: str
    """SHA-256 of its weights."""
    stages: list[Stage] = Field(min_length=1)
    """Its trainings, oldest first: each went on from the weights of the one before."""
    versions: dict[str, str]
    """Packages that made it."""
    measurements: dict[str, Any] = Field(default_factory=dict)
    """What was found of it, by what found it: "training", "regression", or a name given to `evaluate`."""
    made: str = ""
    """When, in ISO 8601."""

    @property
    def last(self) -> Stage:
        """The latest training."""
        return self.stages[-1]

    @property
    def dataset_hash(self) -> str:
        """Of the data set of the latest training."""
        return self.last.dataset_hash

    @property
    def served_name(self) -> str:
        """How a server calls it. No other weights ever have that name: servers keep caches by it."""
        return f"{self.name}-v{self.version}-{self.weights[:8]}"

    def check_base(self, base: str | Path | None = None) -> Path:
        """The folder of the base, which must be what it was.

        Args:
            base: where it is now; by default where it was.

        Raises:
            StudentError: it is gone, or another one.
        """
        folder = base_folder(base or self.base)
        if (found := base_digest(folder)) != self.base_digest:
            raise StudentError(
                f"{self.served_name} is of the base {self.base!r} ({self.base_digest[:12]}); {str(folder)!r} is another "
                f"({found[:12]}). Serve it on the base that it was trained on, or train it again on this one."
            )
        return folder

    def check_text(self) -> None:
        """See that it can be asked as a chat model.

        Raises:
            StudentError: it gives no text.
        """
        if self.head != "text":
            raise StudentError(f"{self.served_name} gives no text but {self.head}: it is no chat model.")

    def local(self, **knobs: Any) -> LocalChatModel:
        """The student as a chat model in this process; the knobs are those of `LocalChatModel`.

        Raises:
            StudentError: it gives no text, or its base is gone or another one.
        """
        self.check_text()
        if self.holds == "model":
            return LocalChatModel(model=str(self.folder), **knobs)
        return LocalChatModel(model=str(self.check_base()), adapter=str(self.folder), **knobs)

    def chat_model(self, server: str | Served, api_key: str | None = None, **knobs: Any) -> ReasoningChatOpenAI:
        """The student on a server that has loaded it; the reply keeps reasoning, log-probabilities and usage.

        It is this version, whatever is current; `Adapters.chat_model` of its name follows swaps.

        Args:
            server: address of the server, or the server itself.
            api_key: its key; by default the server's own, or that of the environment variable `LANGDISTILL_API_KEY`.
            knobs: of `ReasoningChatOpenAI`; greedy unless told otherwise.

        Raises:
            MissingExtra: langchain-openai is not installed.
            StudentError: it gives no text, or that is no address.
        """
        self.check_text()
        return Endpoint.of(server, api_key).chat_model(self.served_name, **knobs)

    def scorer(self) -> Scorer:
        """A ranker as a Runnable from a question and a reply to a number, in this process.

        Raises:
            StudentError: it gives something else, or its base is gone or another one.
        """
        return Scorer(self._head("score", "scorer", 1))

    def classifier(self) -> Classifier:
        """A classifier as a Runnable from a prompt to its label and the probabilities of all, in this process.

        Raises:
            StudentError: it gives something else, or its base is gone or another one.
        """
        return Classifier(self._head("classes", "classifier", len(self.labels)), self.labels)

    def _head(self, head: str, what: str, numbers: int) -> Head:
        if self.head != head:
            raise StudentError(f"{self.served_name} gives {self.head}: it is no {what}.")
        if self.holds == "model":
            return Head(self.folder, None, numbers)
        return Head(self.check_base(), self.folder, numbers)

    def measured(self, what: str, found: Any) -> Student:
        """The same with a measurement on its card, in memory and on disk."""
        now = read_student(self.folder)  # others may have measured it since this was read
        changed = now.model_copy(update={"measurements": {**now.measurements, what: found}})
        write_whole(self.folder / CARD, changed.model_dump_json(indent=2))
        return changed


def read_student(path: str | Path) -> Student:
    """The student in a folder: that version, or the latest of the versions in it.

    Raises:
        StudentError: the folder holds no student.
    """
    folder = version_at(path)
    try:
        return Student(**orjson.loads((folder / CARD).read_bytes()), folder=folder)
    except (OSError, TypeError, ValueError) as error:
        raise StudentError(
            f"There is no student in {str(folder)!r}: {error}. Train one with `langdistill train`."
        ) from error


def student_at(path: str | Path) -> Student | None:
    """The student in a folder, where it holds one: what may be a base or a student is told apart by it.

    Raises:
        StudentError: there is one, and its card cannot be read.
    """
    try:
        folder = version_at(path)
    except StudentError:
        return None
    return read_student(folder)


def load_student(path: str | Path, **knobs: Any) -> LocalChatModel:
    """The student in a folder as a chat model in this process; the knobs are those of `LocalChatModel`.

    Raises:
        StudentError: the folder holds no student, or its base is gone or another one.
    """
    return read_student(path).local(**knobs)
