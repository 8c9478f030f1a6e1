"""TRL's conversational language-modelling rows; the loss is on every message of the assistant (`assistant_only_loss=True`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.conversational import chat, extras
from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class TrlMessages(Format):
    """`messages`, the problem, and the `tools` where there are any."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row.

        Raises:
            Unfit: "prompt-has-replies": the row has no way to say that a reply in the prompt is not to be learnt.
        """
        if any(one["role"] == "assistant" for one in example.messages):
            raise Unfit("prompt-has-replies")
        return [{"messages": [*chat(example.messages), *chat(example.target)], **extras(example)}]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The messages."""
        return row["messages"]


def trl_messages() -> TrlMessages:
    """Rows of messages for `SFTTrainer` with `assistant_only_loss`."""
    return TrlMessages()
