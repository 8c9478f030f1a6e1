"""TRL's conversational prompt-completion rows; the loss is on the completion."""

from __future__ import annotations

from typing import Any

from langdistill.records import Example


def rows(example: Example) -> list[dict[str, Any]]:
    """`prompt`, `completion`, the problem that it belongs to; `tools` where there are any, `style` and `weight` where they say anything."""
    row: dict[str, Any] = {"prompt": example.messages, "completion": example.target, "problem": example.problem}
    row |= {"tools": example.tools} if example.tools else {}
    row |= {"style": example.style} if example.style else {}
    return [row | ({"weight": example.weight} if example.weight != 1 else {})]
