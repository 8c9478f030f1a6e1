"""How a student is trained, whatever its objective."""

from __future__ import annotations

from math import ceil
from typing import Literal

from pydantic import Field

from langdistill.records import Record


class Recipe(Record):
    """Settings of a fine-tuning. The distillation paper's own are not published (Yu et al., 2407.06023); the defaults are ours."""

    adapter: Literal["lora", "qlora", "full"] = "lora"
    """LoRA; LoRA on a base in four bits (needs CUDA and `bitsandbytes`); or all weights."""
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of the adapter."""
    learning_rate: float = Field(default=2e-4, gt=0)
    """The highest of the schedule."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.06, ge=0)
    """Share of the steps; from 1 on, steps."""
    weight_decay: float = Field(default=0.0, ge=0)
    epochs: float = Field(default=2, gt=0)
    """Passes over the rows; not used where `steps` is given."""
    steps: int | None = Field(default=None, ge=1)
    """Updates. Students of data sets of different sizes compare best after equally many."""
    batch_size: int = Field(default=16, ge=1)
    """Rows of an update on one device, in one pass."""
    accumulate: int = Field(default=1, ge=1)
    """Passes of an update."""
    max_length: int = Field(default=1024, ge=1)
    """Most tokens of a row; a longer one is refused, never cut."""
    packing: bool = False
    """Several rows in one sequence of `max_length`, of which `batch_size` are a batch: less padding, and fewer and larger updates in
    an epoch. Rows do not see each other, and a model that would let them is refused."""
    gradient_checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, about a third slower."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the computation; auto: bf16 where the accelerator has it."""
    save_every: int | None = Field(default=None, ge=1)
    """Updates between two checkpoints that a killed run goes on from; `None`: about ten in a run."""

    def updates(self, passes: int, *, devices: int = 1) -> int:
        """Updates of a run, as trainers of `transformers` count them.

        Args:
            passes: batches in an epoch, on one device.
            devices: that share them.
        """
        return self.steps or ceil(ceil(ceil(passes / devices) / self.accumulate) * self.epochs)


ORDINARY = Recipe()
"""For models of ordinary size."""

MINIATURE = Recipe(learning_rate=3e-3, steps=250, batch_size=16, max_length=512)
"""For the lab model."""

PILOT = MINIATURE.model_copy(update={"steps": 80})
"""For a first try of the lab model."""

SPECIALISATION = Recipe(adapter="full", learning_rate=5e-4, warmup=10, epochs=10, batch_size=8, accumulate=15)
"""Fu et al. (2301.12726), their repository: cosine, 10 warm-up steps, 10 epochs, 15 accumulated passes. Its micro-batches were
of 2 to 20 rows, by format; here they are of 8."""

REASONING_TEACHERS = Recipe(adapter="full", learning_rate=3e-4, schedule="constant", warmup=0, epochs=20, batch_size=8)
"""Ho et al. (2212.10071), their repository, for T5: learning rate, batch and epochs; the schedule is ours."""

COT_COLLECTION = Recipe(adapter="full", learning_rate=1e-4, epochs=1, batch_size=1, accumulate=64)
"""Kim et al. (2305.14045), on eight devices."""

AGENT_DISTILLATION = Recipe(
    rank=64, alpha=128, dropout=0.05, learning_rate=2e-4, epochs=2, batch_size=1, accumulate=2, max_length=10_240
)
"""Kang et al. (2505.17612), their repository, on four devices."""

LION = Recipe(adapter="full", learning_rate=2e-5, warmup=0.03, epochs=3, batch_size=2, accumulate=8, max_length=1024)
"""Jiang et al. (2305.12870), their repository, on eight devices: all weights, updates of 128 rows."""

RECIPES = {
    "ordinary": ORDINARY,
    "miniature": MINIATURE,
    "pilot": PILOT,
    "specialisation": SPECIALISATION,
    "reasoning_teachers": REASONING_TEACHERS,
    "cot_collection": COT_COLLECTION,
    "agent_distillation": AGENT_DISTILLATION,
    "lion": LION,
}
