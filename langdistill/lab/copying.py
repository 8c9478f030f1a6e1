"""Documents that teach to copy and to spell: without them a model this small does not learn to read a name at all."""

from __future__ import annotations

from random import Random

from langdistill.lab.draws import Document, chat
from langdistill.lab.names import invent, name


def write_repeat(rng: Random) -> Document:
    """Several invented words, said back."""
    words = " ".join(invent(rng) for _ in range(rng.choice((2, 3, 4, 5))))
    return chat(f'Repeat the words "{words}".', f'"{words}"')


def write_one(rng: Random) -> Document:
    """A single name, said back."""
    word = name(rng, "pretraining")
    return chat(f'Repeat the word "{word}".', f'"{word}"')


def write_swap(rng: Random) -> Document:
    """Two names in the other order."""
    one, other = name(rng, "pretraining"), name(rng, "pretraining")
    return chat(f'Swap the words in "{one} {other}".', f'"{other} {one}"')


WRITERS = {"repeat": write_repeat, "one": write_one, "swap": write_swap}
