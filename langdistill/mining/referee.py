"""The referee: grades teacher and student beside each other, in both orders, evidence before scores.

Source: Jiang et al., 2305.12870, section 3.2; evidence first and the mean over both orders against a preference for a place are
FairEval's (Wang et al., 2305.17926). Wording our own. Unlike the authors' code, the referee sees the input of an instruction, and a
reply that cannot be read is asked for again and then left out: counted as minus one it would make hard instructions easy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from langdistill.mining.pools import Judgement

PROMPT = """\
Two assistants have answered the same request. Compare how helpful, relevant, accurate and detailed their responses are. Neither \
the order in which they are shown nor their length may sway you.

[Request]
{request}

[Response A]
{first}

[Response B]
{second}

[End]

First write down your evidence. Then end with two lines, with grades from 1 to 10:
Score of A: grade
Score of B: grade"""
"""Places: the request with its input, and both responses."""

DECODING = {"temperature": 0.2, "max_tokens": 512}
"""The authors' settings."""


class Comparison(NamedTuple):
    """What the referee makes of one instruction."""

    instruction: str
    difference: float | None
    """Mean grade of the teacher minus that of the student; `None` where an order could not be read."""
    first: float | None
    """By how much the response shown first was graded better, over both orders; `None` where they were not both asked for."""


def comparison(instruction: str, judgements: Iterable[Judgement], *, orders: int) -> Comparison:
    """Sum up an instruction: of each order the last readable reply counts.

    Args:
        instruction: its id.
        judgements: of this instruction.
        orders: how many must be readable.
    """
    read = {one.swapped: one for one in judgements if one.teacher is not None}
    if len(read) < orders or not read:
        return Comparison(instruction, None, None)
    differences = {swapped: one.difference for swapped, one in read.items()}
    first = (differences[False] - differences[True]) / 2 if len(read) == 2 else None
    return Comparison(instruction, sum(differences.values()) / len(differences), first)
