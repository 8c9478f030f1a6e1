"""A question, and what the teacher knew beyond it: rows for self-distillation with a privileged context.

The columns are those of TRL's experimental `SDFTTrainer` (2601.19897) and `SDPOTrainer` (2601.20802): the student is shown
`prompt`, the teacher the same with `privileged_context`. Both sample their answers themselves; `completion` is what was
recorded, and they leave it aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langdistill.datasets.formats.conversational import chat, extras
from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class PrivilegedContext(Format):
    """`prompt`, `privileged_context` (a text) and `completion`."""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row.

        Raises:
            Unfit: "no-privileged-context", or "ends-without-question": the teacher's prompt is made of the user's last message,
                so the prompt must end with one.
        """
        if not example.privileged:
            raise Unfit("no-privileged-context")
        if not example.messages or example.messages[-1]["role"] != "user":
            raise Unfit("ends-without-question")
        return [
            {
                "prompt": chat(example.messages),
                "privileged_context": example.privileged,
                "completion": chat(example.target),
                **extras(example),
            }
        ]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The prompt and the completion."""
        return [*row["prompt"], *row["completion"]]


def privileged_context() -> PrivilegedContext:
    """Rows for self-distillation from a teacher that is shown more."""
    return PrivilegedContext()
