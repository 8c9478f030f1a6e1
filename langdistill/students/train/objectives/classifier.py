"""A sequence classifier: one of a few labels for a prompt.

It is how ART learns when to refine an answer (Shridhar et al., 2311.07961, section 3.1). By the `Trainer` of transformers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from langdistill.errors import DatasetError, StudentError
from langdistill.students.card import read_student
from langdistill.students.libraries import imported
from langdistill.students.rendering import read_tokens
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.refusals import Refused, checked
from langdistill.students.train.rows.weights import NO_WEIGHT, weight_of
from langdistill.students.train.trainers.classifying import classifying
from langdistill.students.train.trainers.headed import headed
from langdistill.students.train.trainers.preferring import refuse_packing

MOST = 64
"""Labels; more different completions than that are texts."""


@dataclass(frozen=True)
class Classifier(Objective):
    """See `classifier`."""

    balanced: bool
    formats: ClassVar[tuple[str, ...]] = ("trl",)
    head: ClassVar[Literal["text", "score", "classes"]] = "classes"

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """There must be two labels or more, and not as many as there are texts."""
        refuse_packing(recipe, self.name)
        found = self.labels(rows)
        if not 2 <= len(found) <= MOST:
            few = ", ".join(repr(label[:40]) for label in found[:5])
            raise DatasetError(
                f"The completions of {len(rows)} rows are {len(found)} different texts ({few}); a classifier learns 2 to {MOST} labels. "
                "Harvest a target that says one of a few words, or train with sft."
            )

    def labels(self, rows: Sequence[Row]) -> list[str]:
        """The different completions, sorted."""
        return sorted({label_of(row) for row in rows})

    def remarks(self, rows: Sequence[Row]) -> list[str]:
        """How often each label occurs."""
        counts = Counter(label_of(row) for row in rows)
        told = ", ".join(f"{label!r} {count}" for label, count in counts.most_common())
        most = max(counts.values()) / len(rows)
        weighed_alike = "all labels weigh alike" if self.balanced else "each row weighs alike"
        return [
            f"Labels: {told}; always saying the first would be right for {most:.0%} of the rows, and {weighed_alike}."
        ]

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as `input_ids` of the prompt, `label` and `weight`."""
        return checked(rows, lambda row: _prepared(row, tokenizer, max_length))

    def sizes(self, row: Row) -> tuple[int, int]:
        """Tokens of a row, and the one that the label is read at."""
        return len(row["input_ids"]), 1

    def trainer(self, materials: Materials) -> Any:
        """A `Trainer` of transformers that heeds weights."""
        labels = sorted({row["label"] for row in materials.rows})
        _check_start(materials, labels)
        rows, held_out = self._numbered(materials.rows, labels), self._numbered(materials.held_out, labels)
        model, adapter = headed(materials, labels=len(labels))
        if adapter is not None:
            model = imported("peft").get_peft_model(model, adapter)
        arguments = imported("transformers").TrainingArguments(**materials.arguments(remove_unused_columns=False))
        tokenizer = materials.tokenizer
        return classifying(model, arguments, materials.dataset(rows), materials.dataset(held_out), tokenizer)

    def _numbered(self, rows: Sequence[Row], labels: Sequence[str]) -> list[Row]:
        """With the index of each label, and weights that are 1 on average."""
        if strange := sorted({row["label"] for row in rows} - set(labels)):
            raise DatasetError(
                f"Rows that are held out have labels that none of the training rows has: {', '.join(strange)}. "
                "Split the data set another way, or harvest more of them."
            )
        counts = Counter(row["label"] for row in rows)
        weights = [row["weight"] / (counts[row["label"]] if self.balanced else 1) for row in rows]
        scale = len(rows) / sum(weights) if rows else 1.0
        return [
            {"input_ids": row["input_ids"], "labels": labels.index(row["label"]), "weights": weight * scale}
            for row, weight in zip(rows, weights, strict=True)
        ]


def classifier(*, balanced: bool = False) -> Classifier:
    """Learn which of a few labels a prompt has, from rows in the format `trl` whose completion is the label.

    `Student.classifier()` then gives label and probabilities. A row's `weight` is heeded.

    Args:
        balanced: whether all labels weigh alike together, however often each occurs. Probabilities are then not those of the data.
    """
    return Classifier(balanced)


def label_of(row: Row) -> str:
    """The text of a row's completion; empty where it is no single message of text."""
    said = row.get("completion")
    if not isinstance(said, list) or len(said) != 1 or not isinstance(said[0].get("content"), str):
        return ""
    return said[0]["content"].strip()


def _prepared(row: Row, tokenizer: Any, max_length: int) -> Row:
    if not isinstance(row.get("prompt"), list) or not row["prompt"]:
        raise Refused("have no messages in the column 'prompt'")
    if not (label := label_of(row)):
        raise Refused("have no label: a completion of one message of text was expected")
    if (weight := weight_of(row)) is None:
        raise Refused(NO_WEIGHT)
    ids = read_tokens(tokenizer, row["prompt"], row.get("tools"), ask=True)
    if len(ids) > max_length:
        raise Refused(f"are longer than {max_length} tokens")
    return {"input_ids": ids, "label": label, "weight": weight}


def _check_start(materials: Materials, labels: list[str]) -> None:
    """Whether the student that is trained on has the same labels: its head has a number for each."""
    if materials.start and (known := read_student(materials.start).labels) != labels:
        raise StudentError(
            f"The student in {str(materials.start)!r} has the labels {', '.join(known)}; these rows have {', '.join(labels)}. "
            "Start from its base."
        )
