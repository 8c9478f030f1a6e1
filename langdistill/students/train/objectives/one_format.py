"""Reasoning formats, mixed: every batch is of one format, and batches of all formats come in random order.

Source: Fu et al. (2301.12726), who mix four formats: with exemplars in the prompt or without, with reasoning in the target or
without. `four_formats` of `datasets/renderings` writes them. Their loss on reasoning is a KL against the teacher's tokens; this is
the likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from langdistill.errors import DatasetError, StudentError
from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.masked import masked_rows
from langdistill.students.train.rows.refusals import Refusals
from langdistill.students.train.trainers.batches import Batches
from langdistill.students.train.trainers.fine_tuning import fine_tuning

SPECIALISATION_SIZES = {"in_context_cot": 2, "in_context_answer": 10, "zero_shot_cot": 8, "zero_shot_answer": 20}
"""Rows of a batch in Fu et al.'s repository, for models of 3B and 11B parameters; 15 batches made an update."""


@dataclass(frozen=True)
class OneFormat(Objective):
    """See `one_format`."""

    formats: ClassVar[tuple[str, ...]] = ("trl", "trl_messages")

    batch_sizes: Mapping[str, int] = field(default_factory=dict[str, int])

    def check(self, rows: Sequence[Row], recipe: Recipe) -> None:
        """A sequence would hold rows of several formats, so none are packed."""
        if recipe.packing:
            raise StudentError("Packing would put rows of several formats into one sequence. Train with packing=False.")

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as tokens, labels and `style`, with their weights where they differ."""
        refusals = Refusals({})
        for at, row in enumerate(rows):
            if not isinstance(row.get("style"), str):
                refusals.add("have no style", at)
        refusals.tell(len(rows))
        found = masked_rows(rows, tokenizer, max_length)
        return [{**one, "style": row["style"]} for one, row in zip(found, rows, strict=True)]

    def passes(self, rows: Sequence[Row], recipe: Recipe) -> int:
        """Batches of all styles."""
        return len(self._batches(rows, recipe, 0))

    def trainer(self, materials: Materials) -> Any:
        """TRL's `SFTTrainer`, whose batches are of one style each."""
        return fine_tuning(materials, batches=self._batches(materials.rows, materials.recipe, materials.seed))

    def _batches(self, rows: Sequence[Row], recipe: Recipe, seed: int) -> Batches:
        styles = tuple(row["style"] for row in rows)
        if unknown := sorted(set(self.batch_sizes) - set(styles)):
            raise DatasetError(
                f"A batch size was given for the style {unknown[0]!r}, and no row is of it: there are "
                f"{', '.join(sorted(set(styles)))}. Leave it out, or harvest that style, too."
            )
        return Batches(
            styles, {style: self.batch_sizes.get(style, recipe.batch_size) for style in sorted(set(styles))}, seed
        )


def one_format(*, batch_sizes: Mapping[str, int] | None = None) -> OneFormat:
    """Learn rows of several styles, a batch being of one style.

    An update is made of `accumulate` batches, of whichever styles come, and its loss is the mean over all their tokens.

    Args:
        batch_sizes: rows of a batch of a style; the recipe's `batch_size` for those left out. `SPECIALISATION_SIZES` are the paper's.

    Raises:
        StudentError: a size is below 1.
    """
    for style, size in (batch_sizes or {}).items():
        if size < 1:
            raise StudentError(f"Batches of the style {style!r} were to have {size} rows. Give at least 1.")
    return OneFormat(dict(batch_sizes or {}))
