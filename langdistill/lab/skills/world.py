"""A world of small skills that a model can only know from being shown them: what Lion's mining is tried on.

In each country each tool changes a number in its own way: in one the saw adds 4, in another it multiplies by 7. A kind of
instruction, a cell, is a country and a tool. The lab model can do every such step once it is told which; what a tool does in a
country it must learn, cell by cell, and knowing one says nothing about another. Within a cell what is learnt serves for things
and numbers that were never seen. The tools of a country are common or rare by Zipf's law, another order in each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from langdistill.lab.arithmetic import OPERANDS, SAID, Step, apply
from langdistill.lab.draws import pool_of
from langdistill.lab.judging import KINDS
from langdistill.lab.names import Pool

DOMAINS = ("Peru", "Ghana", "Malta", "Japan", "Kenya", "Oman")
OPERATIONS = ("hammer", "drill", "saw", "rake")
COLOURS, THINGS = KINDS["colors"], KINDS["animals"] + KINDS["fruits"]
"""Words that the model reads whole."""
SIZES = (2, 3)
"""Things of an instruction."""

STEPS: tuple[Step, ...] = tuple((said, operand) for said, operands in OPERANDS.items() for operand in operands)
"""What a tool may do, 21 things."""

WORDING = re.compile(r"Use the (\w+) of (\w+) on ((?:\w+ \w+ \d, )*\w+ \w+ \d and \w+ \w+ \d)\.")
RESULT = re.compile(r"\bis (\d)\b")


@dataclass(frozen=True, order=True)
class Cell:
    """A kind of instruction."""

    domain: str
    operation: str


@dataclass(frozen=True)
class Request:
    """What an instruction says."""

    cell: Cell
    things: tuple[str, ...]
    """Each with its colour."""
    numbers: tuple[int, ...]
    """One of each thing."""

    @property
    def text(self) -> str:
        """The instruction, such as "Use the saw of Peru on gray lemon 3, red goat 7 and blue cat 1."."""
        told = [f"{thing} {number}" for thing, number in zip(self.things, self.numbers, strict=True)]
        listed = f"{', '.join(told[:-1])} and {told[-1]}"
        return f"Use the {self.cell.operation} of {self.cell.domain} on {listed}."


def requests_in(text: str) -> Iterator[Request]:
    """Every instruction of the world that a text holds, in its order."""
    for operation, domain, listed in WORDING.findall(text):
        told = [one.rsplit(" ", 1) for one in re.split(r", | and ", listed)]
        if operation in OPERATIONS and domain in DOMAINS:
            yield Request(
                Cell(domain, operation), tuple(one for one, _ in told), tuple(int(digit) for _, digit in told)
            )


def request_in(text: str) -> Request:
    """The one instruction that a text holds.

    Raises:
        ValueError: it holds none, or several.
    """
    match list(requests_in(text)):
        case [request]:
            return request
        case found:
            raise ValueError(f"A text with one instruction of the skill world was expected, not {len(found)}: {text!r}")


@dataclass(frozen=True)
class SkillWorld:
    """What the tools do in each country, and which are rare; all of it follows from a seed."""

    seed: int
    steepness: float = 2.0
    """Zipf's exponent: the tool of rank r is used 1 / r ** steepness times as often as the country's commonest."""

    @cached_property
    def ranks(self) -> dict[Cell, int]:
        """Every cell's place among those of its country, the commonest 1."""
        rng, ranks = Random(f"ranks-{self.seed}"), dict[Cell, int]()
        for domain in DOMAINS:
            order = rng.sample(OPERATIONS, len(OPERATIONS))
            ranks |= {Cell(domain, operation): rank for rank, operation in enumerate(order, 1)}
        return ranks

    @cached_property
    def steps(self) -> dict[Cell, Step]:
        """What each cell's tool does: no two tools of a country do the same, nor does a tool in two countries."""
        rng, steps = Random(f"steps-{self.seed}"), dict[Cell, Step]()
        for cell in self.ranks:
            taken = {steps[one] for one in steps if one.domain == cell.domain or one.operation == cell.operation}
            steps[cell] = rng.choice([step for step in STEPS if step not in taken])
        return steps

    @property
    def cells(self) -> list[Cell]:
        """All of them, 24."""
        return list(self.ranks)

    def frequency(self, cell: Cell) -> float:
        """How often it is asked for, over the country's commonest."""
        return self.ranks[cell] ** -self.steepness

    def answer(self, request: Request) -> str:
        """What is right: a line for each number, such as "3 plus 4 is 7."."""
        step = self.steps[request.cell]
        operation, operand = step
        return "\n".join(
            f"{number} {SAID[operation]} {operand} is {apply(number, step)}." for number in request.numbers
        )

    def is_right(self, request: Request, response: str) -> bool:
        """Whether a response arrives at the right numbers, in their order, however it got there."""
        return RESULT.findall(response) == RESULT.findall(self.answer(request))

    def draw(self, rng: Random, cell: Cell, pool: Pool) -> Request:
        """An instruction of the cell, of the pool: those of two pools never have the same things and numbers."""
        while True:
            size = rng.choice(SIZES)
            things = tuple(f"{rng.choice(COLOURS)} {rng.choice(THINGS)}" for _ in range(size))
            request = Request(cell, things, tuple(rng.randrange(10) for _ in range(size)))
            if pool_of(repr((request.things, request.numbers))) == pool:
                return request

    def seeds(self, count: int, pool: Pool = "train") -> list[Request]:
        """Different instructions, as often of each cell as it is asked for."""
        rng, found = Random(f"seeds-{self.seed}-{pool}"), dict[Request, None]()
        weights = [self.frequency(cell) for cell in self.cells]
        while len(found) < count:
            found[self.draw(rng, rng.choices(self.cells, weights)[0], pool)] = None
        return list(found)

    def questions(self, each: int, pool: Pool) -> list[Request]:
        """As many instructions of every cell."""
        rng = Random(f"questions-{self.seed}-{pool}")
        return [self.draw(rng, cell, pool) for cell in self.cells for _ in range(each)]
