"""Brackets that close others, as the answers of Dyck languages are."""

from __future__ import annotations

import re
from collections import deque

from langdistill.answers.marked import AROUND, MARK

SEQUENCE = re.compile(r"[()\[\]{}<>](?:\s*+[()\[\]{}<>])*+")
BARE = AROUND + "$"


def brackets(text: str) -> str | None:
    """The brackets a reply ends in and nothing else, with a space between them and between dollars: "$] } )$".

    Behind the last mark (see `final_answer`), on its line or the next that holds anything; without a mark, the whole reply. They
    stand between dollars because comparing drops brackets around an answer (`normalise`), and here they are the answer.
    """
    last = deque(MARK.finditer(text), maxlen=1)
    said = text[last[0].end() :] if last else text
    line = next((bare for one in said.splitlines() if (bare := one.strip(BARE))), "")
    if (not last and line != said.strip(BARE)) or not SEQUENCE.fullmatch(line):
        return None
    return f"${' '.join(''.join(line.split()))}$"
