"""Right solutions with one slip: another operator or operand in one calculation, and all that follows from it."""

from __future__ import annotations

import re
from random import Random

from solution_reading import ANNOTATION, NUMBER, Solution, calculated, close, numbers_in

OTHER = {"+": "-*", "-": "+", "*": "+/", "/": "*-"}
PIECE = re.compile(rf"<<[^<>]*>>|{NUMBER.pattern}")


def slipped(solution: Solution, rng: Random) -> str | None:
    """The text with a slip, and another answer; `None` where ten tries give none."""
    places = [found for found in ANNOTATION.finditer(solution.text) if re.search(r"[-+*/]", found[1])]
    for _ in range(10 if places else 0):
        place = rng.choice(places)
        slip = _slip(place[1], solution, rng)
        text = _carried(solution.text, place, slip) if slip else None
        if text and _is_plausible(Solution(solution.question, text).answer, solution.answer):
            return text
    return None


def _is_plausible(answer: float | None, right: float | None) -> bool:
    """Another answer that no look at the answer alone gives away."""
    if answer is None or right is None or close(answer, right) or answer < 0:
        return False
    return answer == round(answer) or right != round(right)


def _slip(expression: str, solution: Solution, rng: Random) -> str | None:
    """Another operator or, as often, another number of the question."""
    if rng.random() < 0.5:
        signs = [found for found in re.finditer(r"[-+*/]", expression) if found.start()]
        if not signs:
            return None
        at = rng.choice(signs)
        return expression[: at.start()] + rng.choice(OTHER[at[0]]) + expression[at.end() :]
    others = [one for one in solution.given if one not in numbers_in(expression)]
    found = list(NUMBER.finditer(expression))
    if not others or not found:
        return None
    at = rng.choice(found)
    return expression[: at.start()] + written(rng.choice(others)) + expression[at.end() :]


def _carried(text: str, place: re.Match[str], slip: str) -> str | None:
    """The text with the slip in its place; numbers after it that came of the old result come of the new one."""
    start = text.rfind("\n", 0, place.start()) + 1
    value, old = calculated(slip), calculated(place[1])
    if value is None or old is None or not 0 <= value < 1e7:
        return None
    changed = {old: value}
    signs = [re.escape(one) if one != "*" else "[*x]" for one in place[1]]
    before, said = re.subn(r"\s*\$?".join(signs), lambda found: _as_spaced(found[0], slip), text[start : place.start()])
    if not said:
        return None  # the line would say one thing and calculate another
    ahead = re.sub(PIECE, lambda found: _piece(found, changed), text[place.end() :])
    return f"{text[:start]}{before}<<{slip}={written(value)}>>{ahead}"


def _as_spaced(old: str, slip: str) -> str:
    return re.sub(r"(?<=.)([-+*/])", r" \1 ", slip) if " " in old else slip


def _piece(found: re.Match[str], changed: dict[float, float]) -> str:
    """A number or an annotation after the slip."""
    text = found[0]
    if not text.startswith("<<"):
        value = float(text.replace(",", ""))
        new = next((new for old, new in changed.items() if close(value, old)), value)
        return text if new == value else written(new)
    expression = text[2:-2].rpartition("=")[0]
    fresh = re.sub(NUMBER, lambda one: _piece(one, changed), expression)
    old, new = calculated(expression), calculated(fresh)
    if old is None or new is None or fresh == expression:
        return text
    changed[old] = new
    return f"<<{fresh}={written(new)}>>"


def written(value: float) -> str:
    """As solutions write it."""
    return (
        str(round(value))
        if close(value, round(value)) and abs(value - round(value)) < 1e-6
        else f"{value:.2f}".rstrip("0")
    )
