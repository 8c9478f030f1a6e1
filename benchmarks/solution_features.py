"""What tells a right solution from a wrong one without knowing the answer, as numbers.

`SURFACE` are ten hand-made features, the floor. `CHECKS` look closer at the derivation; `Expected` tells how far it is from the steps and
operators that a question of such words has, learnt from the training split's solutions. No feature reads a gold answer, or another
solution of the question.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import log1p
from typing import Any

import numpy as np
from solution_reading import CONSTANTS, OPERATORS, WORD, Solution, close, numbers_in

Array = np.ndarray[Any, np.dtype[np.float64]]
Feature = Callable[[Solution], float]

MOST_TERMS = 1500
RIDGE = 30.0
"""Of the regression on words; features are many for 7,473 questions."""
CUES = {
    "left": "-", "remain": "-", "difference": "-", "more": "-", "fewer": "-", "less": "-", "total": "+", "altogether": "+",
    "combined": "+", "each": "*", "per": "*", "average": "/", "times": "*",
}  # fmt: skip
"""Words of the last sentence, and the operator that often ends the solution then."""


def share(some: float, of: float) -> float:
    """A share, and 0 of nothing."""
    return some / of if of else 0.0


def among(number: float, others: Sequence[float] | set[float]) -> bool:
    return any(close(number, other) for other in others)


def is_whole(number: float, of: float = 1) -> bool:
    return abs(number * of - round(number * of)) < 1e-6


def answer(s: Solution) -> float:
    return s.answer or 0.0


def ends_in(s: Solution, sign: str) -> bool:
    return bool(s.calculations) and sign in s.calculations[-1].expression


def last_sentence(s: Solution) -> str:
    return re.split(r"(?<=[.?!])\s+", s.question.strip())[-1]


def words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))


def new_words(s: Solution) -> set[str]:
    return words(s.prose) - words(s.question)


def taken_up(s: Solution) -> float:
    """Share of the words of what is asked that the last step says."""
    asked = words(last_sentence(s))
    return share(len(asked & words(s.lines[-1] if s.lines else "")), len(asked))


def used_again(s: Solution) -> float:
    taken = Counter(one for each in s.calculations for one in each.operands if among(one, s.in_digits))
    return sum(count - 1 for count in taken.values())


def beyond_the_largest(s: Solution) -> float:
    """The answer over the largest number of the question, as a logarithm."""
    return log1p(abs(answer(s))) - log1p(max(s.in_digits, default=1.0))


SURFACE: dict[str, Feature] = {
    "length": lambda s: log1p(len(s.text)),
    "steps": lambda s: len(s.lines),
    "calculations": lambda s: len(s.calculations),
    "arithmetic is right": lambda s: share(sum(one.right for one in s.calculations), len(s.calculations)),
    "numbers of the question used": lambda s: share(len(s.used & set(s.in_digits)), len(set(s.in_digits))),
    "numbers from nowhere": lambda s: len(s.unknown),
    "answer is whole": lambda s: s.answer is not None and is_whole(s.answer),
    "answer is negative or none": lambda s: s.answer is None or s.answer < 0,
    "size of the answer": lambda s: log1p(abs(answer(s))),
    "answer is the last result": lambda s: bool(s.results) and s.answer is not None and close(abs(s.results[-1]), s.answer),
}  # fmt: skip
"""Ten hand-made features of the surface."""

CHECKS: dict[str, Feature] = {
    "numbers used, in digits or words": lambda s: share(sum(among(one, s.used) for one in s.given), len(s.given)),
    "numbers left out": lambda s: sum(not among(one, s.used) for one in set(s.in_digits)),
    "last number used": lambda s: bool(s.in_digits) and among(s.in_digits[-1], s.used),
    "numbers of what is asked used": lambda s: all(among(one, s.used) for one in numbers_in(last_sentence(s))),
    "numbers used again": used_again,
    "constants from nowhere": lambda s: sum(one in CONSTANTS for one in s.unknown),
    "other numbers from nowhere": lambda s: sum(one not in CONSTANTS for one in s.unknown),
    "first calculation is of given numbers": lambda s: (
        bool(s.calculations) and all(among(one, s.given) for one in s.calculations[0].operands)
    ),
    "results that nothing uses": lambda s: s.dangling,
    "any result that nothing uses": lambda s: s.dangling > 0,
    "results in fractions": lambda s: sum(not is_whole(one) for one in s.results),
    "negative results": lambda s: sum(one < 0 for one in s.results),
    "answer has parts of a cent": lambda s: not is_whole(answer(s), 100),
    "results written with .0": lambda s: ".0>>" in s.text,
    "steps said twice": lambda s: len(s.lines) - len(set(s.lines)),
    "calculations made twice": lambda s: len(s.calculations) - len({one.expression for one in s.calculations}),
    "no calculation": lambda s: not s.calculations,
    "steps without calculation": lambda s: sum("<<" not in one for one in s.lines),
    "wrong calculations": lambda s: sum(not one.right for one in s.calculations),
    "calculations of one number": lambda s: sum(len(one.operands) == 1 for one in s.calculations),
    "times or over one": lambda s: sum(1.0 in one.operands and not ends_plus(one.expression) for one in s.calculations),
    "a number with itself": lambda s: sum(len(one.operands) == 2 and len(set(one.operands)) == 1 for one in s.calculations),
    "result is an operand": lambda s: sum(one.said in one.operands for one in s.calculations),
    "operands of the last": lambda s: len(s.calculations[-1].operands) if s.calculations else 0,
    "answer is a given number": lambda s: among(abs(answer(s)), s.given),
    "answer is one at most": lambda s: abs(answer(s)) <= 1,
    "answer is huge": lambda s: abs(answer(s)) > 1e5,
    "answer beyond the largest": beyond_the_largest,
    "answer far from the largest": lambda s: abs(beyond_the_largest(s)),
    "calculations over numbers": lambda s: len(s.calculations) - len(set(s.in_digits)),
    "calculations far from numbers": lambda s: abs(len(s.calculations) + 1 - len(set(s.in_digits))),
    "what is asked is taken up": taken_up,
    "share of new words": lambda s: share(len(new_words(s)), len(words(s.prose))),
    "new words": lambda s: log1p(len(new_words(s))),
    "so": lambda s: s.prose.count(" so "),
    "words of a step": lambda s: len(s.prose.split()) / max(1, len(s.lines)),
    "dollars where money is asked": lambda s: ("$" in s.text) == bool(re.search(r"\$|dollar|cost|money|pay|earn", s.question)),
    **{f"operator {sign}": lambda s, sign=sign: s.operators[sign] for sign in OPERATORS},
    **{f"ends in {sign}": lambda s, sign=sign: ends_in(s, sign) for sign in OPERATORS},
    **{
        f"{word!r} and {sign}": lambda s, word=word, sign=sign: word in words(last_sentence(s)) and ends_in(s, sign)
        for word, sign in CUES.items()
    },
}  # fmt: skip
"""Closer looks at the derivation."""


def ends_plus(expression: str) -> bool:
    """Whether it adds or subtracts, where one is as good a number as any."""
    return "+" in expression or "-" in expression


def measures(s: Solution) -> list[float]:
    """What `Expected` expects of a question's solution."""
    counts = [s.operators[sign] for sign in OPERATORS]
    last = [ends_in(s, sign) for sign in OPERATORS]
    used = len(s.used & set(s.in_digits))
    return [len(s.calculations), len(s.lines), used, len(s.unknown), log1p(abs(answer(s))), log1p(len(s.text)), *counts, *last]  # fmt: skip


class Expected:
    """Steps, operators and size of the answer that a question's words let expect: a ridge regression on words and pairs of them."""

    def __init__(self, solutions: Sequence[Solution]) -> None:
        """Learn from right solutions of other questions."""
        seen = Counter(term for one in solutions for term in set(terms(one.question)))
        self._places = {term: at for at, (term, _) in enumerate(seen.most_common(MOST_TERMS))}
        asked = np.array([self._asked(one.question) for one in solutions])
        wanted = np.array([measures(one) for one in solutions], dtype=float)
        self._middle, self._mean = asked.mean(0), wanted.mean(0)
        asked -= self._middle
        gram = asked.T @ asked + RIDGE * np.eye(asked.shape[1])
        self._weights = np.linalg.solve(gram, asked.T @ (wanted - self._mean))

    def features(self, solution: Solution) -> list[float]:
        """The solution's measures, how far each is from what is expected, and the products, which a linear model cannot make."""
        expected = (self._asked(solution.question) - self._middle) @ self._weights + self._mean
        found = np.array(measures(solution), dtype=float)
        return [*found, *(found - expected), *abs(found - expected), *(found * expected)]

    def _asked(self, question: str) -> Array:
        found, numbers = np.zeros(len(self._places) + 5), numbers_in(question)
        found[[self._places[term] for term in set(terms(question)) if term in self._places]] = 1
        found[-5:] = [len(numbers), len(set(numbers)), len(question) / 100, log1p(max(numbers, default=0)), sum(map(log1p, numbers))]  # fmt: skip
        return found


def terms(question: str) -> list[str]:
    """Words, and pairs of them; numbers are all alike."""
    found = ["#" if one.isdigit() else one for one in re.findall(r"[a-z]+|\d+|[$%]", question.lower())]
    return [*found, *map(" ".join, itertools.pairwise(found))]


def surface(solution: Solution) -> list[float]:
    return [float(one(solution)) for one in SURFACE.values()]


def checked(solution: Solution, expected: Expected) -> list[float]:
    """All features."""
    return [*surface(solution), *(float(one(solution)) for one in CHECKS.values()), *expected.features(solution)]
