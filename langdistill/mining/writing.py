"""What a way of writing new instructions is, and how one is found by its name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from langdistill.finding import found_named, names_in
from langdistill.mining.instructions import Instruction
from langdistill.named import Named
from langdistill.prompts import check, fill

TOKENS_PER_WORD = 4
"""Tokens that a new instruction may have for each word of the one it is written from: the authors' setting."""


@dataclass(frozen=True)
class Generator(Named):
    """A way of writing new instructions; found by its file's name in `generators/`."""

    @abstractmethod
    def prompt(self, parent: Instruction, pool: Sequence[Instruction], rng: Random) -> str:
        """What the generator model is asked.

        Args:
            parent: the instruction that was drawn.
            pool: all instructions, for a way that shows several.
            rng: for whatever is drawn; the same state gives the same prompt.
        """

    def decoding(self, parent: Instruction) -> dict[str, Any]:
        """Sampling parameters: the authors' temperature 1, top-p 1, and room for four tokens a word of the parent."""
        return {"temperature": 1.0, "top_p": 1.0, "max_tokens": TOKENS_PER_WORD * len(parent.request.split())}

    @property
    def expected(self) -> int:
        """How many new instructions a reply is asked to hold."""
        return 1

    def read(self, text: str) -> list[str]:
        """The new instructions in a reply; one by default, which is all of it."""
        return [text.strip()]


@dataclass(frozen=True)
class FromOne(Generator):
    """A way that shows the instruction that was drawn and nothing else.

    Raises:
        PromptError: the template has other places than ``{request}``.
    """

    template: str

    def __post_init__(self) -> None:
        check(self.template, "request")

    def prompt(self, parent: Instruction, pool: Sequence[Instruction], rng: Random) -> str:
        """The template with the parent in it."""
        return fill(self.template, request=parent.request)


def generator_names() -> list[str]:
    """The ways that there are."""
    return names_in(Path(__file__).parent / "generators")


def find_generator(name: str) -> Callable[..., Generator]:
    """The factory of a way, by its name.

    Raises:
        UnknownName: there is no such way.
    """
    return found_named("generator", name, "langdistill.mining.generators", generator_names())
