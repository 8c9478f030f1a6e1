"""TRL's conversational prompt-completion rows; the loss is on the completion."""

from __future__ import annotations

from typing import Any

from langdistill.records import Example


def rows(example: Example) -> list[dict[str, Any]]:
    """`prompt`, `completion`, the problem that it belongs to, and the `tools` where there are any."""
    row: dict[str, Any] = {"prompt": example.messages, "completion": example.target, "problem": example.problem}
    return [row | ({"tools": example.tools} if example.tools else {})]
