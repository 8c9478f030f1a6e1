"""The same words in other case and with other space between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from langdistill.errors import AnswerError
from langdistill.perturbations.perturbing import TRIES, Perturbation

WORD = re.compile(r"(?<![^\s(\"'“‘])[^\W\d_]{2,}(?![^\s.,;:!?)\"'”’])")
"""Words of letters alone: formulas, code, names of files and single letters such as those of options keep their case."""
GAP = re.compile(r"(?<=\S) (?=\S)")
CASES = (str, str.lower, str.upper, str.capitalize)
WIDER = 0.3
"""Share of the gaps between words that become wider."""


def case_and_space() -> Perturbation:
    """Write the words of a question in one other case, and widen some of the gaps between them; the answer stays as it is.

    For tasks whose answer does not hang on case or space, up to how answers are compared (`answers.normalise`).
    """
    return Perturbation("case_and_space", change)


def change(question: str, rng: Random) -> str:
    """The question with other case and space.

    Raises:
        AnswerError: it has neither words nor gaps.
    """
    for _ in range(TRIES):
        changed = _written(question, rng.choice(CASES), rng)
        if changed != question:
            return changed
    raise AnswerError(
        f"{question[:200]!r} has no words to be written in another case. Leave it out of case_and_space()."
    )


def _written(question: str, case: Callable[[str], str], rng: Random) -> str:
    recased = WORD.sub(lambda word: case(word[0]), question)
    return GAP.sub(lambda gap: "  " if rng.random() < WIDER else gap[0], recased)
