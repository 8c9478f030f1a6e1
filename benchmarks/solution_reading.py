"""A worked solution as GSM8K writes it, read: its steps, its calculations between << and >>, and the numbers that these take."""

from __future__ import annotations

import ast
import operator
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>]*)>>")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
WORD = re.compile(r"[a-z]+(?:'s)?")
WORDS_OF_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000, "dozen": 12,
    "half": 2, "twice": 2, "double": 2, "pair": 2, "couple": 2, "thrice": 3, "triple": 3, "third": 3, "thirds": 3, "quarter": 4,
    "quarters": 4, "fourth": 4, "fifth": 5, "tenth": 10, "once": 1, "single": 1,
}  # fmt: skip
CONSTANTS = frozenset({1, 2, 3, 4, 5, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000, 0.5, 0.25, 0.01})
"""Numbers that a solution may bring along: of calendars, percentages and halves."""
OPERATORS = "+-*/"
APPLY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def read_number(text: str) -> float | None:
    """The first number in a text, with its sign."""
    found = re.search(r"-?\s*\$?\s*(\d[\d,]*(?:\.\d+)?|\.\d+)", text)
    if not found:
        return None
    value = float(found[1].replace(",", ""))
    return -value if found[0].startswith("-") else value


def numbers_in(text: str) -> list[float]:
    """The numbers that a text writes in digits."""
    return [float(one.replace(",", "")) for one in NUMBER.findall(text)]


def calculated(expression: str) -> float | None:
    """What an expression of + - * / comes to; `None` for anything else."""
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1/100)", expression.replace(",", "").replace("$", "").replace("x", "*"))
    text = re.sub(r"\b0+(?=\d)", "", text)
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, KeyError, MemoryError, RecursionError):
        return None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        return APPLY[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(f"{ast.dump(node)} is no arithmetic")


def close(one: float, other: float) -> bool:
    """Whether two numbers are the same but for rounding to cents."""
    return abs(one - other) <= 0.011 + 1e-4 * abs(other)


@dataclass(frozen=True)
class Calculation:
    """One annotation: what is calculated, and what it is said to be."""

    expression: str
    said: float | None

    @cached_property
    def operands(self) -> list[float]:
        return numbers_in(self.expression)

    @cached_property
    def right(self) -> bool:
        """Whether it comes to what it is said to be."""
        value = calculated(self.expression)
        return value is not None and self.said is not None and close(value, self.said)


@dataclass(frozen=True)
class Solution:
    """A question with one worked solution."""

    question: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The steps, without the line of the answer."""
        return [line for line in self.text.splitlines() if line.strip() and not line.startswith("A:")]

    @cached_property
    def answer(self) -> float | None:
        last = self.text.splitlines()[-1]
        return read_number(last[2:]) if last.startswith("A:") else None

    @cached_property
    def calculations(self) -> list[Calculation]:
        return [Calculation(one, read_number(said)) for one, said in ANNOTATION.findall(self.text)]

    @cached_property
    def results(self) -> list[float]:
        return [one.said for one in self.calculations if one.said is not None]

    @cached_property
    def given(self) -> list[float]:
        """The numbers of the question, written in digits or in words."""
        words = WORD.findall(self.question.lower())
        return [*numbers_in(self.question), *(float(WORDS_OF_NUMBERS[one]) for one in words if one in WORDS_OF_NUMBERS)]

    @cached_property
    def in_digits(self) -> list[float]:
        return numbers_in(self.question)

    @cached_property
    def used(self) -> set[float]:
        """The operands of all calculations."""
        return {one for each in self.calculations for one in each.operands}

    @cached_property
    def prose(self) -> str:
        return ANNOTATION.sub(" ", self.text)

    @cached_property
    def operators(self) -> Counter[str]:
        return Counter(sign for one in self.calculations for sign in one.expression if sign in OPERATORS)

    @cached_property
    def unknown(self) -> list[float]:
        """Operands that are neither given nor calculated before."""
        found, known = list[float](), list(self.given)
        for one in self.calculations:
            found += [number for number in one.operands if not any(close(number, other) for other in known)]
            known += [*one.operands, *([one.said] if one.said is not None else [])]
        return found

    @cached_property
    def dangling(self) -> int:
        """Results that nothing uses: neither a later calculation nor the answer."""
        left = 0
        for at, one in enumerate(self.calculations):
            later = [number for each in self.calculations[at + 1 :] for number in each.operands]
            ends = [*later, *([self.answer] if self.answer is not None else [])]
            left += one.said is not None and not any(close(abs(one.said), abs(other)) for other in ends)
        return left
