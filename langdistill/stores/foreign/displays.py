"""Chats that were printed for people to read: one text, each message after the name of its role."""

from __future__ import annotations

import re
from typing import Any

from langdistill.stores.foreign.expected import Unreadable, kind

SPEAKER = re.compile(r"^(system|user|assistant|tool): ?", re.MULTILINE)
NOTHING = "None"
"""What Python prints of a message without a text: one that only called a tool."""


def read_display(text: Any) -> list[dict[str, Any]]:
    """The messages of a printed chat. Tool calls were not printed, so that a result is all that is known of them.

    Raises:
        Unreadable: it is no text, or begins with nobody's words.
    """
    if not isinstance(text, str):
        raise Unreadable("wrong-type", f"The printed chat is {kind(text)}, and a text was expected.")
    before, *parts = SPEAKER.split(text)
    if before.strip() or not parts:
        raise Unreadable("no-messages", f"The printed chat begins with {before[:40]!r}; expected is `user: ...`.")
    said = (part.strip("\n") for part in parts[1::2])
    return [
        {"role": role, "content": None if role == "assistant" and words == NOTHING else words}
        for role, words in zip(parts[::2], said, strict=True)
    ]
