"""TRL's conversational unpaired preference rows, for KTO: an answer, and whether it is a good one.

KTO takes the loss on all of an answer, results of tools in it included; with a tokenizer such rows are rejects ("wrong-mask").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.conversational import chat, extras
from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class TrlUnpaired(Format):
    """`prompt`, `completion` and `label`: a row of the target, and one of what was rejected."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row, or two of a pair.

        Raises:
            Unfit: "no-label": it is neither said whether the target is good nor what is worse.
        """
        prompt, beside = chat(example.messages), extras(example)
        return [
            {"prompt": prompt, "completion": chat(messages), "label": label, **beside}
            for messages, label in _answers(example)
        ]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The prompt and the completion."""
        return [*row["prompt"], *row["completion"]]

    def says(self, example: Example) -> list[list[Message]]:
        """The prompt with each of the answers."""
        return [[*example.messages, *messages] for messages, _ in _answers(example)]


def trl_unpaired() -> TrlUnpaired:
    """Labelled answers for `KTOTrainer`."""
    return TrlUnpaired()


def _answers(example: Example) -> list[tuple[list[Message], bool]]:
    if example.rejected:
        return [(example.target, example.good is not False), (example.rejected, False)]
    if example.good is None:
        raise Unfit("no-label")
    return [(example.target, example.good)]
