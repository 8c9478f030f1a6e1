"""The same instruction made harder in one of five ways (Evol-Instruct in depth: Xu et al., 2304.12244, section 3.2); wording our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from langdistill.mining.instructions import Instruction
from langdistill.mining.writing import Generator
from langdistill.prompts import check, fill

WAYS = (
    "add one more requirement or restriction to it",
    "ask for more depth and breadth in what it asks about",
    "replace a general notion in it by a more special one",
    "make it need several steps of reasoning where it needs few",
    "add data to it, such as a table, a formula or a piece of code, that must be worked with",
)
"""Constraints, deepening, concretising, more reasoning, harder input: the paper's five operations."""

PROMPT = """\
Rewrite the request below so that it is a little harder for a language model to fulfil: {way}. People must still be able to \
understand and to answer it. Add 10 to 20 words at most, keep any table or code that is in it, and do not answer it.

[Request]
{request}

[End]

Reply with the rewritten request alone."""
"""Places: the request that was drawn, and one of the ways."""

ROOM = 80
"""Tokens beyond four a word of the parent, for what is added."""


@dataclass(frozen=True)
class Deepened(Generator):
    """See `deepened`."""

    ways: tuple[str, ...]
    template: str

    def prompt(self, parent: Instruction, pool: Sequence[Instruction], rng: Random) -> str:
        """The template with the parent and a way that is drawn."""
        return fill(self.template, request=parent.request, way=rng.choice(self.ways))

    def decoding(self, parent: Instruction) -> dict[str, Any]:
        """As usual, with room for what is added."""
        usual = super().decoding(parent)
        return {**usual, "max_tokens": usual["max_tokens"] + ROOM}


def deepened(ways: Sequence[str] = WAYS, template: str = PROMPT) -> Deepened:
    """Evolve in depth, for hard instructions that stay close to what was asked.

    Args:
        ways: one is drawn for each new instruction.
        template: with the places ``{request}`` and ``{way}``.

    Raises:
        PromptError: it has other places.
    """
    check(template, "request", "way")
    return Deepened(tuple(ways), template)
