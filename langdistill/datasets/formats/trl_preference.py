"""TRL's conversational preference rows, for DPO, its relatives and reward models.

DPO takes the loss on all of an answer, results of tools in it included; with a tokenizer such rows are rejects ("wrong-mask").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.conversational import chat, extras
from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class TrlPreference(Format):
    """`prompt`, `chosen`, `rejected`, and where they are known the `margin` that reward models may heed and the `shared_steps`."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row.

        Raises:
            Unfit: "no-rejected", or "same-answers": chosen and rejected do not differ.
        """
        if not example.rejected:
            raise Unfit("no-rejected")
        if example.rejected == example.target:
            raise Unfit("same-answers")
        row = {
            "prompt": chat(example.messages),
            "chosen": chat(example.target),
            "rejected": chat(example.rejected),
            **extras(example),
        }
        told = {"margin": example.margin, "shared_steps": example.shared_steps}
        return [row | {name: value for name, value in told.items() if value is not None}]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The prompt, what was chosen and what was rejected."""
        return [*row["prompt"], *row["chosen"], *row["rejected"]]

    def says(self, example: Example) -> list[list[Message]]:
        """The prompt and both answers."""
        return [[*example.messages, *example.target, *(example.rejected or ())]]


def trl_preference() -> TrlPreference:
    """Pairs for `DPOTrainer` and `RewardTrainer`."""
    return TrlPreference()
