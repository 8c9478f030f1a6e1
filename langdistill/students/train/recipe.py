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
    """Passes over the rows; not used where `steps` is given."""
    steps: int | None = None
    """Updates. Students of data sets of different sizes compare best after equally many."""
    batch_size: int = 16
    warmup_ratio: float = 0.06
    max_length: int = 1024
    """Most tokens of a row; a longer one is refused, never cut."""


ORDINARY = Recipe()
"""For models of ordinary size."""

MINIATURE = Recipe(learning_rate=3e-3, steps=250, batch_size=16, max_length=512)
"""For the lab model."""

PILOT = MINIATURE.model_copy(update={"steps": 80})
"""For a first try of the lab model."""

RECIPES = {"ordinary": ORDINARY, "miniature": MINIATURE, "pilot": PILOT}
