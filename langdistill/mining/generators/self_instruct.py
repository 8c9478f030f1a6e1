"""Several new instructions after some that are shown, those written by people among them (Wang et al., 2212.10560, section 2.2).

Wording our own. The instruction that was drawn is always among those shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from langdistill.errors import MiningError
from langdistill.mining.instructions import Instruction
from langdistill.mining.writing import Generator
from langdistill.prompts import check, fill

PROMPT = """\
Below is a list of different requests to a language model. Go on with it: write the next {count} requests, each of another kind.

{shown}
"""
"""Places: the list, numbered and one a line, and how many are to follow."""

NUMBERED = re.compile(r"^[ \t]*\d+[.):][ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
ROOM = 100
"""Tokens of each new instruction."""


@dataclass(frozen=True)
class SelfInstruct(Generator):
    """See `self_instruct`."""

    seeds: int
    written: int
    count: int
    template: str

    def prompt(self, parent: Instruction, pool: Sequence[Instruction], rng: Random) -> str:
        """The template with some seeds and some written instructions, in an order that is drawn."""
        others = [one for one in pool if one.id != parent.id]
        shown = [parent]
        for is_seed, wanted in ((True, self.seeds), (False, self.written)):
            some = [one for one in others if (one.source == "seed") is is_seed]
            shown += rng.sample(some, min(wanted - ((parent.source == "seed") is is_seed), len(some)))
        rng.shuffle(shown)
        told = "\n".join(f"{at}. {' '.join(one.text.split())}" for at, one in enumerate(shown, 1))
        return fill(self.template, shown=told, count=str(self.count))

    def decoding(self, parent: Instruction) -> dict[str, Any]:
        """Temperature 0.7 and top-p 0.5, with room for all that are to be written."""
        return {"temperature": 0.7, "top_p": 0.5, "max_tokens": ROOM * self.count}

    @property
    def expected(self) -> int:
        """All that are to be written."""
        return self.count

    def read(self, text: str) -> list[str]:
        """The numbered lines; all of the reply where there is none."""
        return NUMBERED.findall(text) or super().read(text)


def self_instruct(seeds: int = 6, written: int = 2, count: int = 8, template: str = PROMPT) -> SelfInstruct:
    """Go on with a list of instructions.

    Args:
        seeds: how many of those shown are seeds, at least 1 (6 in the paper).
        written: how many were written in earlier rounds, at least 1 (2 in the paper).
        count: how many are to follow (as many as fit, in the paper).
        template: with the places ``{shown}`` and ``{count}``.

    Raises:
        PromptError: it has other places.
        MiningError: nothing would be shown or asked for.
    """
    check(template, "shown", "count")
    if min(seeds, written, count) < 1:
        raise MiningError(f"self_instruct({seeds=}, {written=}, {count=}) cannot work; each is at least 1.")
    return SelfInstruct(seeds, written, count, template)
