"""Supervised fine-tuning: the loss on what the assistant says after the prompt, its end included, and on nothing else.

It is how System 2 is distilled into System 1 (Yu et al., 2407.06023, section 3), and how agents are: what tools returned and
users said between the assistant's messages is context (AgentTuning, 2310.12823; Agent Distillation, 2505.17612).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langdistill.students.train.masked_rows import masked_rows
from langdistill.students.train.materials import Materials, imported
from langdistill.students.train.objective import Objective, Row


@dataclass(frozen=True)
class Sft(Objective):
    """See `sft`."""

    formats: ClassVar[tuple[str, ...]] = ("trl", "trl_messages", "privileged_context", "top_k_logprobs")

    def prepared(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        """The rows as tokens and labels."""
        return masked_rows(rows, tokenizer, max_length)

    def trainer(self, materials: Materials) -> Any:
        """TRL's `SFTTrainer`."""
        config, trainer = imported("trl.trainer.sft_config").SFTConfig, imported("trl.trainer.sft_trainer").SFTTrainer
        recipe = materials.recipe
        packed = {"packing": True, "max_length": recipe.max_length} if recipe.packing else {"max_length": None}
        return trainer(
            model=materials.model(),
            args=config(**materials.arguments(**packed)),
            train_dataset=materials.dataset(materials.rows),
            eval_dataset=materials.dataset(materials.held_out),
            processing_class=materials.tokenizer,
            peft_config=materials.adapter(),
        )


def sft() -> Sft:
    """Learn the assistant's messages of rows in the formats `trl` and `trl_messages`."""
    return Sft()
