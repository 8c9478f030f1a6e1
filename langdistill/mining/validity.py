"""What is wrong with a new instruction on its face, before it is compared with others (Jiang et al., 2305.12870; the authors' code)."""

from __future__ import annotations

import re
from collections.abc import Callable

from langchain_core.messages import AIMessage

from langdistill.mining.instructions import LONGEST

Flaw = Callable[[str], str | None]
"""From the text of a new instruction to why it cannot be taken; `None` where it can."""

FEWEST_WORDS = 4
ENDED = ("finish_reason", "stop_reason", "stopReason", "done_reason")
"""Keys under which providers tell why a reply ended."""
AT_THE_LIMIT = ("length", "max_tokens", "max_output_tokens", "model_length")
SPEAKS_OF_ITSELF = re.compile(r"\binstructions?\b", re.IGNORECASE)


def flaw(text: str) -> str | None:
    """The first of the paper's surface rules that an instruction breaks.

    Three words or fewer ("too-short"); the word "instruction" ("speaks-of-itself"); a first character that is punctuation
    ("starts-with-punctuation") or not ASCII ("not-ascii"). Ours: more than 16,000 characters ("too-long").
    """
    if len(text.split()) < FEWEST_WORDS:
        return "too-short"
    if len(text) > LONGEST:
        return "too-long"
    if SPEAKS_OF_ITSELF.search(text):
        return "speaks-of-itself"
    if not text[0].isascii():
        return "not-ascii"
    return None if text[0].isalnum() else "starts-with-punctuation"


def cut(reply: AIMessage) -> bool:
    """Whether a reply ended because it was not allowed to be longer."""
    told = reply.response_metadata
    reasons = [told.get(key) for key in ENDED]
    reasons.append((told.get("incomplete_details") or {}).get("reason"))  # OpenAI's Responses
    return any(str(reason).lower() in AT_THE_LIMIT for reason in reasons)
