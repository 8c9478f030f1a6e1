"""The two responses that a judge is shown, in the other order (Zheng et al., 2306.05685: judges prefer a position)."""

from __future__ import annotations

import re
from random import Random

from langdistill.answers import swapped as other_side
from langdistill.answers import verdict
from langdistill.errors import AnswerError, PromptError
from langdistill.perturbations.perturbing import Perturbation

FENCED = (
    r"\[The Start of Assistant A['’]s Answer\]\n(?P<a>.*?)\n\[The End of Assistant A['’]s Answer\]"
    r".*?\[The Start of Assistant B['’]s Answer\]\n(?P<b>.*?)\n\[The End of Assistant B['’]s Answer\]"
)
"""As FastChat's judge prompts show them."""
LABEL = re.compile(r"^(?P<name>Response|Answer|Assistant|Output) (?P<side>[AB12]):[ \t]*\n?", re.MULTILINE)
"""Before each response, at the beginning of a line; the second one goes on to the end of the text."""

OTHER = {"A": "B", "B": "A", "a": "b", "b": "a", "1": "2", "2": "1"}
LETTER = re.compile(r"(?<![^\W_])[AB](?![^\W_])")
"""A side within an answer of more words."""
SIDE = re.compile(
    r"(?:(?:assistant|response|answer|model|candidate|option|output) )?\W{0,3}(?P<side>[AB12])\W{0,3}", re.I
)


def swapped(pattern: str | None = None) -> Perturbation:
    """Show the two responses in the other order; of an answer, A becomes B and B becomes A, and a tie stays one.

    Args:
        pattern: a regular expression whose groups ``a`` and ``b`` are the two responses, with `re.DOTALL` and `re.MULTILINE`;
            `None` knows FastChat's prompts, and responses behind "Response A:" and "Response B:" (or Answer, Assistant, Output,
            1 and 2) at the beginnings of lines. There the second response goes on to the end of the text: give a pattern where
            something follows it.

    Raises:
        PromptError: the pattern has no such groups.
    """
    compiled = re.compile(pattern or FENCED, re.DOTALL | re.MULTILINE)
    if not {"a", "b"} <= compiled.groupindex.keys():
        raise PromptError(
            f"The pattern {pattern!r} has no groups named a and b. Write the responses as (?P<a>...) and (?P<b>...)."
        )

    def apply(question: str, rng: Random) -> str:
        found = compiled.search(question)
        places = (*found.span("a"), *found.span("b")) if found else None if pattern else _labelled(question)
        if places is None:
            raise AnswerError(
                f"No two responses were found in {question[:200]!r}. Tell where they are: swapped(pattern=...)."
            )
        start, end, other, last = places
        return question[:start] + question[other:last] + question[end:other] + question[start:end] + question[last:]

    return Perturbation("swapped", apply, swap_back)


def _labelled(question: str) -> tuple[int, int, int, int] | None:
    """Where the first two responses with labels of one kind begin and end."""
    firsts: dict[tuple[str, str], int] = {}
    for label in LABEL.finditer(question):
        kind = label["name"], OTHER[label["side"]]
        if label["side"] in "A1":
            firsts.setdefault((label["name"], label["side"]), label.end())
        elif (start := firsts.get(kind)) is not None:
            end = len(question[: label.start()].rstrip())
            return start, max(start, end), label.end(), len(question.rstrip())
    return None


def swap_back(answer: str, original: str, changed: str) -> str:
    """What an answer to the swapped question says of the original one: its side is the other one, in the same words."""
    if side := SIDE.fullmatch(answer.strip()):
        start, end = side.span("side")
        return answer.strip()[:start] + OTHER[side["side"]] + answer.strip()[end:]
    told = verdict(answer)
    if told not in {"A", "B"}:
        return answer
    other, reworded = other_side(told), LETTER.sub(lambda side: OTHER[side[0]], answer)
    return reworded if verdict(reworded) == other else other or answer
