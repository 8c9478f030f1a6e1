"""Who occurs in a question: four pools of names that share none.

`pretraining` is for the corpus, `train` for the unlabelled questions that distillation samples from, `dev` for
tuning, `final` for the last test. The corpus mostly invents its names, so that reading a word letter by letter is
learnt rather than a list.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from random import Random
from typing import Literal, get_args

Pool = Literal["pretraining", "train", "dev", "final"]

POOLS: tuple[Pool, ...] = get_args(Pool)

INVENTED = 0.85
"""Share of invented names in the corpus; the rest come from the pool `pretraining`."""

LONGEST_NAME = 11
ONSETS = "b c d f g h j k l m n p r s t v w x z br ch cl dr fl gr kr ph pl qu sh st th tr"
VOWELS = "a e i o u a e i o ai ea ie oo y"
CODAS = "b c d f g h j k l m n p q r s t u v w x y z a e i o nd rt ck lm sk ll nn th"


@cache
def names(pool: Pool) -> tuple[str, ...]:
    """The names of a pool, sorted; letters only, capitalised."""
    text = files("langdistill.lab").joinpath("names", f"{pool}.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def held_out() -> frozenset[str]:
    """Names that no corpus may contain, by chance either. `final` was drawn after the corpora and is clear of them
    by choice.
    """
    return frozenset(names("train") + names("dev"))


def invent(rng: Random) -> str:
    """A pronounceable name of 3 to `LONGEST_NAME` letters that is in no held-out pool."""
    while True:
        syllables = rng.choices((1, 2, 3, 4), (4, 5, 2, 1))[0]
        body = "".join(rng.choice(ONSETS.split()) + rng.choice(VOWELS.split()) for _ in range(syllables))
        start = rng.choice("aeiou") if rng.random() < 0.25 else ""
        name = (start + body + rng.choice(CODAS.split())).capitalize()
        if 3 <= len(name) <= LONGEST_NAME and name not in held_out():
            return name


def name(rng: Random, pool: Pool) -> str:
    """One name of a pool; in `pretraining` mostly an invented one."""
    return invent(rng) if pool == "pretraining" and rng.random() < INVENTED else rng.choice(names(pool))


def people(rng: Random, pool: Pool, count: int) -> list[str]:
    """`count` different names, in random order."""
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        chosen[name(rng, pool)] = None
    return list(chosen)
