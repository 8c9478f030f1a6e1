"""Sums that do not add up: every equation of numbers in a reply is worked out again."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

NUMBER = r"\$?\d[\d,]*(?:\.\d+)?%?"
SIGN = r"[-+*/x×÷−]"
EQUATION = re.compile(
    rf"(?P<left>(?!0\d)[(]*{NUMBER}(?:[\s()]*{SIGN}[\s()]*{NUMBER})+[)]*)\s*=\s*(?P<right>-?{NUMBER})(?![\d/*]|\s*{SIGN}\s*\$?\d|\s+\d+/\d)"
)
"""Numbers with operators between them, an equals sign, and one number. An equation with more on its right side is left alone."""
GOES_ON = re.compile(rf"(?:{SIGN}|[=\d%)])\s*$|[,.]$")
"""Before an equation: the calculation began earlier, with a word in it ("66 fish * 1/3 = 22") or as a mixed number."""
SIGNS = str.maketrans({"x": "*", "×": "*", "÷": "/", "−": "-", "$": None, ",": None})
PER_CENT = re.compile(r"(\d+(?:\.\d+)?)%")
TOLERANCE = Fraction(1, 200)
"""Results may be rounded to hundredths; or by half a per cent of their size."""
WORKED: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LONGEST = 200
"""Characters of the left side of an equation that is worked out."""


def arithmetic(question: str, reply: str) -> list[str]:
    """A question for each equation in the reply that is wrong, such as "What is 16 - 3? It is not 12."; each once.

    Read are + - * / x × ÷, brackets, commas between thousands, $ and %. What cannot be read is no mistake.
    """
    return list(dict.fromkeys(_complaints(reply)))


def _complaints(reply: str) -> Iterator[str]:
    for found in EQUATION.finditer(reply):
        if GOES_ON.search(reply[max(0, found.start() - 3) : found.start()]):
            continue
        left, right = found["left"].strip(), found["right"].strip()
        worked, told = _value(left), _value(right)
        if worked is not None and told is not None and not _alike(worked, told):
            yield f"What is {left}? It is not {right}."


def _alike(worked: Fraction, told: Fraction) -> bool:
    return abs(worked - told) <= TOLERANCE * max(1, abs(worked))


def _value(text: str) -> Fraction | None:
    """What a calculation comes to; `None` where it is none."""
    if len(text) > LONGEST:
        return None
    try:
        return _worked(ast.parse(PER_CENT.sub(r"(\1/100)", text.translate(SIGNS)).strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, KeyError):
        return None


def _worked(tree: ast.expr) -> Fraction:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, (int, float)):
        return Fraction(str(tree.value))
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return -_worked(tree.operand)
    if isinstance(tree, ast.BinOp):
        return WORKED[type(tree.op)](_worked(tree.left), _worked(tree.right))
    raise ValueError(f"{ast.dump(tree)} is no calculation")
