"""Numbers of questions that name their unit themselves, so that right answers are bare numbers."""

from __future__ import annotations

from langdistill.answers import number


def amount(text: str) -> str | None:
    """The number a reply ends in, as `answers.number` reads it, without a sign of per cent: the files write 25 for "25%"."""
    found = number(text)
    return found.rstrip("%") if found else None
