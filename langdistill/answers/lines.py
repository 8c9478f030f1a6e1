"""A text in lines."""

from __future__ import annotations


def lines(text: str) -> list[str]:
    """The lines that hold anything."""
    return [line.strip() for line in text.splitlines() if line.strip()]
