"""Chained arithmetic on one digit, 4 to 6 steps, for the published negative case (Yu et al., 2407.06023, on GSM8K:
what was distilled from reasoning to bare answers fell far below the reasoning). Step by step it is
easy; at once it is not learnt.

Every step is a bijection of the ten digits (the factors are 3, 7 and 9), so no step forgets the ones before it.
"""

from __future__ import annotations

import re
from random import Random

from langdistill.lab import slips
from langdistill.lab.draws import Document, Task, Telling, chat, pool_of, reasoning_writers
from langdistill.lab.names import Pool
from langdistill.perturbations.perturbing import Perturbation

OPENINGS = (
    "On a dial that shows only the last digit, start at {start}.",
    "A counter keeps only the last digit of a number. It shows {start} at first.",
    "Keep only the last digit after each step. Begin with {start}.",
)
ENDINGS = ("Which digit is shown?", "Which digit is left?", "What is the last digit?")
"""The first opening and ending are how questions are drawn; the others are how they are reworded."""

SIZES = (4, 5, 6)
STEP = re.compile(r"(Add|Subtract|Multiply by) (\d)\.")
START = re.compile(r"(?:start at|It shows|Begin with) (\d)")
SAID = {"Add": "plus", "Subtract": "minus", "Multiply by": "times"}
OPERANDS = {"Add": tuple(range(1, 10)), "Subtract": tuple(range(1, 10)), "Multiply by": (3, 7, 9)}

Step = tuple[str, int]


def apply(digit: int, step: Step) -> int:
    """The digit after a step; below 0 the dial comes round from 9."""
    operation, operand = step
    changed = {"Add": digit + operand, "Subtract": digit - operand, "Multiply by": digit * operand}[operation]
    return changed % 10


def ask(start: int, steps: list[Step], opening: str = OPENINGS[0], ending: str = ENDINGS[0]) -> str:
    """The question of a chain, in a wording."""
    told = [f"{operation} {operand}." for operation, operand in steps]
    return " ".join([opening.format(start=start), *told, ending])


def read_question(question: str) -> tuple[int, list[Step]]:
    """The first digit and the steps."""
    start, steps = START.search(question), STEP.findall(question)
    if not start or not steps:
        raise ValueError(f"Not a chain of arithmetic: {question!r}")
    return int(start[1]), [(operation, int(operand)) for operation, operand in steps]


def truth(question: str) -> str:
    """The digit at the end."""
    digit, steps = read_question(question)
    for step in steps:
        digit = apply(digit, step)
    return str(digit)


def draw_chain(rng: Random, pool: Pool) -> tuple[int, list[Step]]:
    """A chain that belongs to the pool."""
    while True:
        start, operations = rng.randrange(10), rng.choices(list(OPERANDS), k=rng.choice(SIZES))
        steps = [(operation, rng.choice(OPERANDS[operation])) for operation in operations]
        if pool_of(ask(start, steps)) == pool:
            return start, steps


def question(rng: Random, pool: Pool) -> str:
    """A question in the first wording."""
    return ask(*draw_chain(rng, pool))


def reword(question: str, rng: Random) -> str:
    """The same chain in another wording."""
    return ask(*read_question(question), rng.choice(OPENINGS[1:]), rng.choice(ENDINGS[1:]))


def take(rng: Random, digit: int, step: Step) -> tuple[str, int]:
    """One step as it is told, and the digit it arrives at; a slip is mostly off by one."""
    right = apply(digit, step)
    result = slips.read(rng, right, [(right + 1) % 10, (right - 1) % 10, *range(10)])
    return f"{digit} {SAID[step[0]]} {step[1]} is {result}.", result


def tell(rng: Random) -> Telling:
    """A chain of the corpus, worked one step a line; a slip is carried on from."""
    start, steps = draw_chain(rng, "pretraining")

    def work() -> tuple[str, str]:
        digit, lines = start, list[str]()
        for step in steps:
            line, digit = take(rng, digit, step)
            lines.append(line)
        return "\n".join(lines), str(digit)

    told = ", then ".join(f"{SAID[operation]} {operand}" for operation, operand in steps)
    rephrased = f"Begin at {start}, then {told}. Keep the last digit of each result. Which digit is the last result?"
    asked = ask(start, steps, rng.choice(OPENINGS), rng.choice(ENDINGS))
    return Telling(asked, rephrased, work, work)


def ask_one(rng: Random) -> Document:
    """The helper question: a single step, taken as in every other mode."""
    operation, digit = rng.choice(list(OPERANDS)), rng.randrange(10)
    step = (operation, rng.choice(OPERANDS[operation]))
    return chat(f"What is {digit} {SAID[operation]} {step[1]} on the dial?", take(rng, digit, step)[0])


PERTURBATIONS = (Perturbation("reworded", reword),)

TASK = Task(
    "arithmetic", question, truth, PERTURBATIONS, {**reasoning_writers(tell), "one_step": ask_one}, unlabelled=200
)
