"""The embedded default: a tiny real language model, its tasks and the script that trained it.

It runs the whole loop offline on a laptop. It is a fixture that the real algorithms run on, not evidence about large
models.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langdistill.students.local import LocalChatModel

WEIGHTS = Path(__file__).parent / "weights"
"""Folder of the shipped model: fp16 safetensors, tokenizer, generation settings and model card."""

__all__ = ["WEIGHTS"]


def lab_model(**knobs: Any) -> LocalChatModel:
    """The shipped model as a LangChain chat model; the knobs are those of `LocalChatModel`.

    Raises:
        MissingExtra: torch or transformers is not installed.
    """
    from langdistill.students.local import LocalChatModel

    return LocalChatModel(model=str(WEIGHTS), **knobs)
