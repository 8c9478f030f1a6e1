"""What a recorder's redactors find in a row, told by kind and place and never by value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from langdistill.filters.judging import Judgement
from langdistill.filters.reading.rows import places
from langdistill.recording.privacy.pseudonyms import Pseudonyms
from langdistill.recording.privacy.redaction import Redactor, redact
from langdistill.records import Example


class Tally(Pseudonyms):
    """Stand-ins that are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: Counter[str] = Counter()

    def of(self, kind: str, value: str) -> str:
        """The stand-in, which is thrown away."""
        self.kinds[kind] += 1
        return super().of(kind, value)


def judged_clean(row: Example, redactors: Sequence[Redactor], reason: str) -> Judgement:
    """Drop a row in which something is found, for `reason`; it cannot be judged where a redactor failed."""
    kinds: Counter[str] = Counter()
    where: list[str] = []
    unread: list[str] = []
    for place, held in places(row):
        tally = Tally()
        cleaned = redact(held, _encoded(held), redactors, tally)
        if tally.kinds:
            where.append(place)
            kinds += tally.kinds
        elif cleaned is not held:
            unread.append(place)
    if kinds:
        return Judgement(False, reason, evidence={"kinds": dict(sorted(kinds.items())), "places": where})
    if unread:
        return Judgement(None, "unreadable", evidence={"places": unread})
    return Judgement(True, "clean")


def _encoded(held: Any) -> bytes:
    """JSON in which nothing but quotes and backslashes is escaped, as redactors' hints expect it."""
    return json.dumps(held, ensure_ascii=False, default=str).encode("utf-8", "replace")
