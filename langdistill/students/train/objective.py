"""What an objective is: how rows are read, and which trainer learns from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Literal

from langdistill.finding import found_named, names_in
from langdistill.named import Named
from langdistill.students.train.materials import Materials
from langdistill.students.train.recipe import Recipe

Row = dict[str, Any]
"""A row as its format wrote it, or as an objective prepared it."""


class Objective(Named, ABC):
    """What a student learns. A frozen dataclass in a file of its own; its fields are its settings."""

    formats: ClassVar[tuple[str, ...]]
    """Formats of rows that it reads; one of them must have written the data set."""
    head: ClassVar[Literal["text", "score", "classes"]] = "text"
    """What its students give."""

    @abstractmethod
    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as its trainer reads them, all checked: nothing is cut or left out in silence.

        Args:
            rows: as they were written.
            tokenizer: of the base model.
            max_length: most tokens of a row.

        Raises:
            DatasetError: rows that are too long, teach nothing, or are of another shape; they are counted by reason.
        """

    @abstractmethod
    def trainer(self, materials: Materials) -> Any:
        """A trainer of `transformers`, ready to train.

        Raises:
            MissingExtra: torch, trl or peft is not installed.
            StudentError: the base cannot be trained so.
        """

    def sizes(self, row: Row) -> tuple[int, int]:
        """Tokens of a prepared row, and how many of them carry loss."""
        return len(row["input_ids"]), sum(label != -100 for label in row["labels"])

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """Whether the training rows together, and the recipe, fit; told before any weights are loaded.

        Raises:
            DatasetError: the rows together teach nothing: one of two labels does not occur, say.
            StudentError: the recipe asks for what its trainer cannot do.
        """

    def remarks(self, rows: Sequence[Row]) -> list[str]:
        """Sentences about the training rows together that a plan should tell: how unevenly labels are spread, say."""
        return []

    def passes(self, rows: Sequence[Row], recipe: Recipe) -> int:
        """Batches in an epoch, on one device.

        Args:
            rows: prepared.
            recipe: of the training.
        """
        return ceil(len(rows) / recipe.batch_size)

    def labels(self, rows: Sequence[Row]) -> list[str]:
        """Of a classifier, by index, in the rows as they were written; for other objectives none."""
        return []


def find_objective(name: str) -> Callable[..., Objective]:
    """The function that makes an objective, by the name of its file.

    Raises:
        UnknownName: there is none.
    """
    package = "langdistill.students.train.objectives"
    return found_named("objective", name, package, objective_names())


def objective_names() -> list[str]:
    """Names of all objectives."""
    return names_in(Path(__file__).with_name("objectives"))
