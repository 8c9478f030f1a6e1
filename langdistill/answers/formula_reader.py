"""Spell formulas, one a line, from standard input to standard output: ``python -m langdistill.answers.formula_reader``.

Runs apart from everything else, because a formula may take all time and memory there is. `langdistill.answers.formulas` starts
and ends it.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from fractions import Fraction
from typing import Any

import sympy
from math_verify import LatexExtractionConfig, parse

from langdistill.answers.numbers import spelled

INVERSES = {
    sympy.cot: lambda angle: 1 / sympy.tan(angle),
    sympy.sec: lambda angle: 1 / sympy.cos(angle),
    sympy.csc: lambda angle: 1 / sympy.sin(angle),
}
"""SymPy leaves these as they are written."""
MEMORY = 2 << 30
"""Bytes of address space; 9^(9^9) asks for more than any machine has."""
SECONDS = 30
"""Ends the process by itself should nobody be left to end it."""


def spelling(formula: str) -> str:
    """One spelling for a formula; the empty string where it cannot be read."""
    found = parse(f"${formula}$", [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None)  # pyright: ignore[reportArgumentType]
    return spell(found[0]) if found else ""


def spell(value: Any) -> str:
    """One spelling for a value of SymPy."""
    if isinstance(value, sympy.Equality):
        return _equation(value)
    if isinstance(value, sympy.core.relational.Relational):
        return _inequality(value)
    if isinstance(value, sympy.MatrixBase):
        return "matrix[" + "; ".join(", ".join(map(spell, value.row(at))) for at in range(value.rows)) + "]"
    if isinstance(value, sympy.Interval):
        return _interval(value)
    if isinstance(value, sympy.Union):
        return " U ".join(sorted(map(spell, value.args)))
    if isinstance(value, sympy.Tuple):
        return "(" + ", ".join(map(spell, value)) + ")"
    if type(value).__name__ in ("FiniteSet", "EmptySet"):
        return _set(value)
    return _expression(value)


def _set(value: Any) -> str:
    members = sorted({spell(one) for one in value.args})
    return members[0] if len(members) == 1 else "{" + ", ".join(members) + "}"


def _interval(value: Any) -> str:
    """An open interval and a point of the plane are written alike, so they are spelled alike."""
    opening, closing = "(" if value.left_open else "[", ")" if value.right_open else "]"
    return f"{opening}{spell(value.start)}, {spell(value.end)}{closing}"


def _equation(value: Any) -> str:
    """What "x =" equals; of any other equation, its difference from 0, whichever way round and by whatever factor."""
    left, right = value.lhs, value.rhs
    if left.is_Symbol and not (hasattr(right, "free_symbols") and left in right.free_symbols):
        return spell(right)
    _, difference = sympy.expand(_exact(left) - _exact(right)).primitive()
    difference = -difference if difference.could_extract_minus_sign() else difference
    return f"{_expression(difference)} = 0"


def _inequality(value: Any) -> str:
    """With the smaller side first."""
    turned = value if value.rel_op in ("<", "<=", "!=") else value.reversed
    return f"{spell(turned.lhs)} {turned.rel_op} {spell(turned.rhs)}"


def _expression(value: Any) -> str:
    value = _exact(value)
    if value.is_Rational:
        return spelled(Fraction(int(value.p), int(value.q)))
    if value.free_symbols and value.is_rational_function():
        return sympy.sstr(sympy.cancel(value), order="lex")
    for inverse, of in INVERSES.items():
        value = value.replace(inverse, of)
    simple = sympy.expand(sympy.sqrtdenest(sympy.radsimp(sympy.simplify(value))))
    return spelled(Fraction(int(simple.p), int(simple.q))) if simple.is_Rational else sympy.sstr(simple, order="lex")


def _exact(value: Any) -> Any:
    """Evaluated, with decimals as fractions."""
    value = value.doit()
    decimals = {one: sympy.Rational(str(one)) for one in value.atoms(sympy.Float)}
    return value.xreplace(decimals)


def limit_memory() -> None:
    """Where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> None:
    """Answer every line of standard input with one line; an empty spelling is a space."""
    limit_memory()
    print("ready", flush=True)
    for line in sys.stdin:
        if hasattr(signal, "alarm"):
            signal.alarm(SECONDS)
        try:
            told = spelling(line.rstrip("\n"))
        except Exception:
            told = ""
        print(" ".join(told.split()) or " ", flush=True)


if __name__ == "__main__":
    main()
