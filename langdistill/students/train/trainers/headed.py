"""Bases with a head that gives numbers for a text in place of the next token."""

from __future__ import annotations

from typing import Any

from langdistill.students.libraries import hushed
from langdistill.students.train.materials import Materials

HEAD = "score"
"""What transformers calls the layer, on any causal model."""


def headed(materials: Materials, labels: int) -> tuple[Any, Any]:
    """The base with a new head, or with an earlier stage's; and the LoRA to begin with, beside which the head is trained whole.

    Args:
        materials: of the training.
        labels: how many numbers the head gives.
    """
    with hushed():  # that the head is new is meant
        model = materials.model(labels=labels)
    model.config.pad_token_id = materials.tokenizer.pad_token_id  # the head reads the last token that is no padding
    return model, materials.adapter("SEQ_CLS", modules_to_save=[HEAD])
