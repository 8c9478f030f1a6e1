"""TRL's conversational prompt-completion rows; the loss is on the completion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langdistill.records import Example


def rows(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """One row per example: `prompt`, `completion`, and the problem that it belongs to."""
    return [{"prompt": one.messages, "completion": [one.target], "problem": one.problem} for one in examples]
