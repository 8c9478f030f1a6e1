"""System 2 Attention (Weston & Sukhbaatar, 2311.11829)."""

from __future__ import annotations

REGENERATE = (
    "Text by a user: {question}\nExtract the part of the text that is unbiased and not opinion, and the actual question. "
    'Write two lines: one that reads "Context:" and then the unbiased part (or "none"), '
    'one that reads "Question:" and then the question without any opinion.'
)
"""Call 1: rewrite the input into unbiased context and question."""

RESPOND = "{regenerated}\nAnswer without bias."
"""Call 2: nothing of the original text but what call 1 kept (its context, if any, and its question)."""
