"""The options of a multiple choice in another order (Zheng et al., 2309.03882: models prefer some letters)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from langdistill.errors import AnswerError
from langdistill.perturbations.perturbing import TRIES, Perturbation

MARKERS = (
    re.compile(r"^[ \t]*\((?P<letter>[A-Za-z])\)[ \t]*", re.MULTILINE),
    re.compile(r"^[ \t]*(?P<letter>[A-Z])[).:][ \t]+", re.MULTILINE),
    re.compile(r"\((?P<letter>[A-Za-z])\)[ \t]*"),
)
"""What an option begins with: a letter in brackets or with a point at the beginning of a line, else in brackets anywhere."""

BETWEEN = " \t\n,;"
"""What stands between two options and belongs to neither, with an "and" or "or"."""
JOINING = re.compile(r"[\s,;](?:and|or)\Z")
FIXED = re.compile(
    r"\b(?:all|none|any|neither|both) of (?:the|these|those)\b|\b(?:the )(?:above|below)\b", re.IGNORECASE
)
"""An option that speaks of the others stays where it is."""
LETTERS = re.compile(r"\([A-Z]\)|\b[A-Z] (?:and|or|&) [A-Z]\b")
"""One that names others by their letters would mean something else afterwards."""
CHOSEN = re.compile(r"(?:(?:option|choice) )?[(\[]?(?P<letter>[A-Za-z])(?:[)\]]?\.?\Z|[)\].:]+(?=\s))", re.IGNORECASE)


@dataclass(frozen=True)
class Option:
    """One option: its letter, its text, and where the text is in the question."""

    letter: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the text ends."""
        return self.start + len(self.text)

    @property
    def fixed(self) -> bool:
        """Whether it speaks of the others."""
        return bool(FIXED.search(self.text))


def option_order() -> Perturbation:
    """Show the options in another order behind the same letters; the letter of an answer is mapped back by the option's text.

    Options are "(A) ...", "(a) ..." or, at the beginnings of lines, "A. ..." and "A) ...". "None of the above" and the like keep
    their place. A question cannot be changed where no two options can change places, an option names others by their letters, or
    an option has several lines (where the last one ends could not be told).
    """
    return Perturbation("option_order", reorder, map_back)


def reorder(question: str, rng: Random) -> str:
    """The question with its options in another order.

    Raises:
        AnswerError: they cannot be reordered.
    """
    options = options_of(question)
    texts = [one.text for one in options]
    movable = [at for at, one in enumerate(options) if not one.fixed]
    if len({texts[at] for at in movable}) < 2:
        raise AnswerError(
            f"{question[:200]!r} has no two options that could change places. Leave it out of option_order()."
        )
    if any(LETTERS.search(text) or "\n" in text for text in texts):
        raise AnswerError(
            f"An option of {question[:200]!r} names another by its letter, or has several lines. Leave it out of option_order()."
        )
    for _ in range(TRIES):
        order = _shuffled(movable, len(texts), rng)
        if [texts[at] for at in order] != texts:
            break
    else:
        order = _turned(movable, len(texts))
    return _written(question, options, [texts[at] for at in order])


def map_back(answer: str, original: str, changed: str) -> str | None:
    """The answer with its letter as the original question has it; an answer that is no letter stays as it is."""
    before, after = options_of(original), options_of(changed)
    if not before or sorted(one.text for one in before) != sorted(one.text for one in after):
        return None
    chosen = CHOSEN.match(answer.strip())
    if not chosen:
        return answer
    place = {one.letter.casefold(): at for at, one in enumerate(after)}.get(chosen["letter"].casefold())
    if place is None:
        return answer
    letter = before[_place_of(before, after, place)].letter
    start, end = chosen.span("letter")
    spelt = letter.lower() if chosen["letter"].islower() else letter.upper()
    return answer.strip()[:start] + spelt + answer.strip()[end:]


def options_of(question: str) -> list[Option]:
    """The options that a question offers, in its order; none where it is no multiple choice."""
    for marker in MARKERS:
        if run := _last_run(list(marker.finditer(question))):
            return list(_read(question, run))
    return []


def _last_run(markers: list[re.Match[str]]) -> list[re.Match[str]]:
    """The last markers whose letters go A, B, C, and so on; at least two."""
    later: set[str] = set()
    for at in reversed(range(len(markers))):
        letter = markers[at]["letter"]
        if letter in "aA" and chr(ord(letter) + 1) in later:
            return _run(markers[at:])
        later.add(letter)
    return []


def _run(markers: list[re.Match[str]]) -> list[re.Match[str]]:
    run = markers[:1]
    for one in markers[1:]:
        if ord(one["letter"]) == ord(run[-1]["letter"]) + 1:
            run.append(one)
    return run


def _read(question: str, run: list[re.Match[str]]) -> Iterator[Option]:
    raw = [question[one.end() : after.start()] for one, after in pairwise(run)]
    texts = [_own(text) for text in raw]
    last = question[run[-1].end() :].partition("\n")[0].rstrip()
    if any("," in text[len(kept) :] for text, kept in zip(raw, texts, strict=True)):
        last = last.rstrip(BETWEEN + ".")  # of a list in a sentence, the point is the sentence's
    for marker, text in zip(run, [*texts, last], strict=True):
        yield Option(marker["letter"], text, marker.end())


def _own(text: str) -> str:
    kept = text.rstrip(BETWEEN)
    joining = JOINING.search(kept, max(0, len(kept) - 4))
    return kept[: joining.start()].rstrip(BETWEEN) if joining else kept


def _shuffled(movable: list[int], count: int, rng: Random) -> list[int]:
    order = list(range(count))
    for at, drawn in zip(movable, rng.sample(movable, len(movable)), strict=True):
        order[at] = drawn
    return order


def _turned(movable: list[int], count: int) -> list[int]:
    order = list(range(count))
    for at, following in zip(movable, [*movable[1:], movable[0]], strict=True):
        order[at] = following
    return order


def _written(question: str, options: list[Option], texts: list[str]) -> str:
    written, at = "", 0
    for option, text in zip(options, texts, strict=True):
        written += question[at : option.start] + text
        at = option.end
    return written + question[at:]


def _place_of(before: list[Option], after: list[Option], place: int) -> int:
    """Where the option was before; of several with the same text, they are taken in their order."""
    text = after[place].text
    rank = [one.text for one in after[:place]].count(text)
    return [at for at, one in enumerate(before) if one.text == text][rank]
