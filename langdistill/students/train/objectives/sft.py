"""Supervised fine-tuning: the loss on what the assistant says after the prompt, its end included, and on nothing else.

It is how System 2 is distilled into System 1 (Yu et al., 2407.06023, section 3), and how agents are: what tools returned and
users said between the assistant's messages is context (AgentTuning, 2310.12823; Agent Distillation, 2505.17612).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar

from langdistill.students.train.materials import Materials
from langdistill.students.train.objective import Objective, Row
from langdistill.students.train.recipe import Recipe
from langdistill.students.train.rows.masked import masked_rows
from langdistill.students.train.trainers.fine_tuning import fine_tuning


@dataclass(frozen=True)
class Sft(Objective):
    """See `sft`."""

    formats: ClassVar[tuple[str, ...]] = ("trl", "trl_messages", "privileged_context", "top_k_logprobs")

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as tokens and labels, with their weights where they differ."""
        return masked_rows(rows, tokenizer, max_length)

    def passes(self, rows: Sequence[Row], recipe: Recipe) -> int:
        """Batches of rows; of packed ones about as many, for how well they fill their sequences is not known before."""
        if not recipe.packing:
            return super().passes(rows, recipe)
        return ceil(sum(self.sizes(row)[0] for row in rows) / recipe.max_length / recipe.batch_size)

    def trainer(self, materials: Materials) -> Any:
        """TRL's `SFTTrainer`."""
        return fine_tuning(materials)


def sft() -> Sft:
    """Learn the assistant's messages of rows in the formats `trl` and `trl_messages`.

    The loss of an update is the mean over its tokens that carry loss. Rows may have a `weight`, which multiplies the loss of their
    tokens; weights are scaled to 1 a token on average over the data set, so only how they differ counts.
    """
    return Sft()
