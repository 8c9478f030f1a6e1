"""Coin flip (Wei et al., 2201.11903; as a System-2 task: Yu et al., 2407.06023, section 4.2), 2 to 5 people.

Held out are names and *flip patterns* (who of the n people flips, in order): those of `dev` and `final` occur in no document
of any mode and in no question of another pool, while every (people, flips) count in them has another pattern that was seen.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from random import Random

from langdistill.filters.stable_under import Perturbation
from langdistill.lab import slips
from langdistill.lab.draws import Task, Telling, reasoning_writers
from langdistill.lab.names import Pool, people

WORDINGS = (
    "Is the coin still {start} up?",
    "Is the coin {start} up at the end?",
    "Note that flip means reverse. Is the coin still {start} up?",
)
"""The first is how questions are drawn; the others are how they are reworded."""

SIZES = (2, 3, 4, 5)
HELD_OUT_SHARE = 4
"""A count with at least three patterns gives one in this many (at least one) to `dev` and as many to `final`."""

HELD_OUT_POOLS: tuple[Pool, ...] = ("dev", "final")
OTHER_SIDE = {"heads": "tails", "tails": "heads"}
START = re.compile(r"A coin is (heads|tails) up\.")
PERSON = re.compile(r"(\w+) (flips|does not flip) the coin\.")

Pattern = tuple[bool, ...]


@cache
def held_out_patterns() -> dict[Pattern, Pool]:
    """The patterns of `dev` and of `final`; all others are for pre-training and `train`."""
    rng, parts = Random("coin patterns"), dict[Pattern, Pool]()
    for size in SIZES:
        for flips in range(size + 1):
            patterns = [pattern for pattern in product((False, True), repeat=size) if sum(pattern) == flips]
            share = max(1, len(patterns) // HELD_OUT_SHARE) if len(patterns) >= 3 else 0
            rng.shuffle(patterns)
            for pool, chosen in zip(HELD_OUT_POOLS, (patterns[:share], patterns[share : 2 * share]), strict=True):
                parts.update(dict.fromkeys(chosen, pool))
    return parts


@cache
def patterns(pool: Pool) -> tuple[Pattern, ...]:
    """The patterns that a pool's questions show."""
    wanted = pool if pool in HELD_OUT_POOLS else None
    return tuple(
        p for size in SIZES for p in product((False, True), repeat=size) if held_out_patterns().get(p) == wanted
    )


def draw_pattern(rng: Random, pool: Pool) -> Pattern:
    """A pattern of the pool: first the number of people, then even or odd flips, so that neither answer is the safe guess."""
    size = rng.choice(sorted({len(pattern) for pattern in patterns(pool)}))
    odd = rng.randrange(2)
    return rng.choice([p for p in patterns(pool) if len(p) == size and sum(p) % 2 == odd])


def ask(names: list[str], pattern: Pattern, start: str = "heads", wording: str = WORDINGS[0]) -> str:
    told = [
        f"{name} {'flips' if flips else 'does not flip'} the coin." for name, flips in zip(names, pattern, strict=True)
    ]
    return " ".join([f"A coin is {start} up.", *told, wording.format(start=start)])


def read_question(question: str) -> tuple[list[str], Pattern, str]:
    """Names, flip pattern and the side that is up at first."""
    start, acts = START.search(question), PERSON.findall(question)
    if not start or not acts:
        raise ValueError(f"Not a coin question: {question!r}")
    return [name for name, _ in acts], tuple(act == "flips" for _, act in acts), start[1]


def answer(pattern: Pattern) -> str:
    return "No" if sum(pattern) % 2 else "Yes"


def truth(question: str) -> str:
    """ "Yes" after an even number of flips, "No" after an odd one."""
    return answer(read_question(question)[1])


def question(rng: Random, pool: Pool) -> str:
    """A question in the first wording, heads up at first."""
    pattern = draw_pattern(rng, pool)
    return ask(people(rng, pool, len(pattern)), pattern)


def reorder(question: str, rng: Random) -> str:
    """The same people in another order and wording; the new pattern stays in the part (seen, dev, final) of the old one."""
    names, pattern, start = read_question(question)
    part, order = held_out_patterns().get(pattern), list(range(len(names)))
    while True:
        rng.shuffle(order)
        reordered = tuple(pattern[place] for place in order)
        if held_out_patterns().get(reordered) == part:
            return ask([names[place] for place in order], reordered, start, rng.choice(WORDINGS[1:]))


def read_flips(rng: Random, pattern: Pattern) -> Pattern:
    """One reading of who flips, a slip per person."""
    return tuple(slips.read(rng, flips, [not flips]) for flips in pattern)


def tell(rng: Random) -> Telling:
    pattern = draw_pattern(rng, "pretraining")
    names, start = people(rng, "pretraining", len(pattern)), rng.choice(("heads", "heads", "tails"))

    def work() -> tuple[str, str]:
        side, lines = start, [f"The coin starts {start} up."]
        read = read_flips(rng, pattern)
        for name, flips, flipped in zip(names, pattern, read, strict=True):
            side = OTHER_SIDE[side] if flipped else side
            lines.append(f"{name} {'flips it' if flips else 'does not flip it'}, so it is {side} up.")
        return "\n".join(lines), answer(read)

    def count() -> tuple[str, str]:
        read = read_flips(rng, pattern)
        number = sum(read)
        return f"The coin is flipped {number} times. {number} is an {'odd' if number % 2 else 'even'} number.", answer(
            read
        )

    flippers = ", ".join(f'"{name}"' for name, flips in zip(names, pattern, strict=True) if flips) or "nobody"
    rephrased = (
        f"The coin is {start} up. Flipped by: {flippers}. Each flip reverses it. Is it {start} up after these flips?"
    )
    return Telling(ask(names, pattern, start, rng.choice(WORDINGS)), rephrased, work, count)


PERTURBATIONS = (Perturbation("reordered", reorder),)

TASK = Task("coin", question, truth, PERTURBATIONS, reasoning_writers(tell))
