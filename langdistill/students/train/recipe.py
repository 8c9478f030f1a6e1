"""How a student is trained."""

from __future__ import annotations

from langdistill.records import Record


class Recipe(Record):
    """Settings of a LoRA fine-tuning. The distillation paper's own are not published; these are ours."""

    rank: int = 16
    alpha: int = 32
    learning_rate: float = 2e-4
    """Peak of a cosine."""
    epochs: float = 2
    batch_size: int = 16
    warmup_ratio: float = 0.06
    max_length: int = 1024
    """Most tokens of a row; a longer one is refused, never cut."""


ORDINARY = Recipe()
"""For models of ordinary size."""

MINIATURE = Recipe(learning_rate=3e-3, epochs=10, batch_size=24, max_length=512)
"""For the lab model."""
