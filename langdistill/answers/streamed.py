"""What of a reply that is still coming is already its answer."""

from __future__ import annotations

import re

LINE = re.compile(r"^\W*(?:final )?answer\W*?:[ \t]*(\S.*)", re.IGNORECASE | re.MULTILINE)
AROUND = " \t\"'`*_“”‘’."
"""Held back at the end as well: more of the answer may follow it."""


def answer_part(text: str) -> str:
    """What stands on the first line that begins with "Answer:": what may be streamed of a reply that reasons first.

    Quotes and marks around it are left out, as they are in the answer.
    """
    found = LINE.search(text)
    return found.group(1).strip(AROUND) if found else ""
