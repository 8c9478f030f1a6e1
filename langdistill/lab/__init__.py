"""The embedded default: a tiny real language model, its tasks and the script that trained it.

It runs the whole loop offline on a laptop. It is a fixture that the real algorithms run on, not evidence about large
models.
"""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
"""Folder of the shipped model: fp16 safetensors, tokenizer, generation settings and model card."""

__all__ = ["WEIGHTS"]
