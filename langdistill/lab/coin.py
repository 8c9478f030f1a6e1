"""Coin flip (Wei et al., 2201.11903; as a System-2 task: Yu et al., 2407.06023), 2 to 6 people.

Held out are names and *flip patterns* (who of the n people flips, in order): those of `dev` and `final` occur in no
document of any mode and in no question of another pool, while every (people, flips) count in them has another pattern
that was seen.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from random import Random

from langdistill.lab import slips
from langdistill.lab.draws import Document, Task, Telling, chat, reasoning_writers
from langdistill.lab.names import Pool, people
from langdistill.perturbations.perturbing import Perturbation

WORDINGS = (
    "Is the coin still heads up?",
    "Is the coin heads up at the end?",
    "Note that flip means reverse. Is the coin still heads up?",
)
"""The first is how questions are drawn; the others are how they are reworded."""

SIZES = (2, 3, 4, 5, 6)
"""How many people the corpus and the pool `train` tell of.

With few patterns a student learns them by heart, and since the nearest neighbours of a pattern all have the other
answer, it is then worse than chance on a new one. With these many, counting is what it learns.
"""

HELD_OUT_SIZES = (2, 3, 4)
"""How many people a held-out pattern may have; those of two are too few to hold any out."""

HELD_OUT_SHARE = 4
"""A count with at least three patterns gives one in this many (at least one) to `dev` and as many to `final`."""

HELD_OUT_POOLS: tuple[Pool, ...] = ("dev", "final")
PERSON = re.compile(r"(\w+) (flips|does not flip) the coin\.")

Pattern = tuple[bool, ...]


@cache
def held_out_patterns() -> dict[Pattern, Pool]:
    """The patterns of `dev` and of `final`; all others are for pre-training and `train`."""
    rng, parts = Random("coin patterns"), dict[Pattern, Pool]()
    for size in HELD_OUT_SIZES:
        for flips in range(size + 1):
            patterns = [pattern for pattern in product((False, True), repeat=size) if sum(pattern) == flips]
            share = max(1, len(patterns) // HELD_OUT_SHARE) if len(patterns) >= 3 else 0
            rng.shuffle(patterns)
            for pool, chosen in zip(HELD_OUT_POOLS, (patterns[:share], patterns[share : 2 * share]), strict=True):
                parts.update(dict.fromkeys(chosen, pool))
    return parts


@cache
def patterns(pool: Pool) -> tuple[Pattern, ...]:
    """The patterns that a pool shows."""
    wanted = pool if pool in HELD_OUT_POOLS else None
    every = (pattern for size in SIZES for pattern in product((False, True), repeat=size))
    return tuple(pattern for pattern in every if held_out_patterns().get(pattern) == wanted)


def draw_pattern(rng: Random, pool: Pool) -> Pattern:
    """A pattern of the pool: how many people, then even or odd flips, so that neither answer is the safe guess."""
    size = rng.choice(sorted({len(pattern) for pattern in patterns(pool)}))
    odd = rng.randrange(2)
    return rng.choice([p for p in patterns(pool) if len(p) == size and sum(p) % 2 == odd])


def ask(names: list[str], pattern: Pattern, wording: str = WORDINGS[0]) -> str:
    """The question of who flips, in a wording."""
    acts = ("flips" if flips else "does not flip" for flips in pattern)
    told = [f"{name} {act} the coin." for name, act in zip(names, acts, strict=True)]
    return " ".join(["A coin is heads up.", *told, wording])


def read_question(question: str) -> tuple[list[str], Pattern]:
    """Names and flip pattern of a question."""
    acts = PERSON.findall(question)
    if not acts or not question.startswith("A coin is heads up."):
        raise ValueError(f"Not a coin question: {question!r}")
    return [name for name, _ in acts], tuple(act == "flips" for _, act in acts)


def answer(pattern: Pattern) -> str:
    """Whether the coin is still heads up."""
    return "No" if sum(pattern) % 2 else "Yes"


def truth(question: str) -> str:
    """Whether the coin is as it was: "Yes" after an even number of flips, "No" after an odd one."""
    return answer(read_question(question)[1])


def question(rng: Random, pool: Pool) -> str:
    """A question in the first wording."""
    pattern = draw_pattern(rng, pool)
    return ask(people(rng, pool, len(pattern)), pattern)


def reorder(question: str, rng: Random) -> str:
    """The same people in another order and wording; a seen pattern stays a seen one, a held-out one in its pool."""
    names, pattern = read_question(question)
    part, order = held_out_patterns().get(pattern), list(range(len(names)))
    while True:
        rng.shuffle(order)
        reordered = tuple(pattern[place] for place in order)
        if held_out_patterns().get(reordered) == part:
            return ask([names[place] for place in order], reordered, rng.choice(WORDINGS[1:]))


def read_flips(rng: Random, pattern: Pattern) -> Pattern:
    """One reading of who flips, a slip per person."""
    return tuple(slips.read(rng, flips, [not flips]) for flips in pattern)


def follow(rng: Random, names: list[str], pattern: Pattern) -> tuple[str, str]:
    """The side that is up after each person, and the answer."""
    heads, lines, read = True, ["The coin starts heads up."], read_flips(rng, pattern)
    for name, flips, flipped in zip(names, pattern, read, strict=True):
        heads ^= flipped
        lines.append(f"{name} {'flips' if flips else 'does not flip'} it, so it is {'heads' if heads else 'tails'} up.")
    return "\n".join(lines), answer(read)


def count(rng: Random, pattern: Pattern) -> tuple[str, str]:
    """The number of flips, and the answer."""
    read = read_flips(rng, pattern)
    number = sum(read)
    parity = "odd" if number % 2 else "even"
    return f"The coin is flipped {number} times. {number} is an {parity} number.", answer(read)


def tell(rng: Random) -> Telling:
    """A coin of the corpus: step by step it is followed, after a rephrasing the flips are counted."""
    pattern = draw_pattern(rng, "pretraining")
    names = people(rng, "pretraining", len(pattern))
    flippers = ", ".join(f'"{name}"' for name, flips in zip(names, pattern, strict=True) if flips) or "nobody"
    rephrased = f"The coin is heads up. Flipped by: {flippers}. Each flip reverses it. Is it heads up after that?"
    asked = ask(names, pattern, rng.choice(WORDINGS))
    return Telling(asked, rephrased, lambda: follow(rng, names, pattern), lambda: count(rng, pattern))


def ask_count(rng: Random) -> Document:
    """The helper question: how many flips, each read as in every other mode."""
    pattern = draw_pattern(rng, "pretraining")
    asked = ask(people(rng, "pretraining", len(pattern)), pattern, "How many people flip the coin?")
    return chat(asked, str(sum(read_flips(rng, pattern))))


PERTURBATIONS = (Perturbation("reordered", reorder),)

TASK = Task("coin", question, truth, PERTURBATIONS, {**reasoning_writers(tell), "count": ask_count})
