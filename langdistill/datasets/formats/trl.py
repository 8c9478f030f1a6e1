"""TRL's conversational prompt-completion rows; the loss is on the completion.

Where the completion has more than the assistant's messages (results of tools, say), train with `assistant_only_loss=True` as
well: TRL then takes the loss where both masks allow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.conversational import chat, extras
from langdistill.datasets.formats.fitting import Format
from langdistill.records import Example, Message


@dataclass(frozen=True)
class Trl(Format):
    """`prompt`, `completion`, the problem that it belongs to, and the `tools` where there are any."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row."""
        return [{"prompt": chat(example.messages), "completion": chat(example.target), **extras(example)}]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The prompt and the completion."""
        return [*row["prompt"], *row["completion"]]


def trl() -> Trl:
    """Prompt-completion rows for `SFTTrainer`."""
    return Trl()
