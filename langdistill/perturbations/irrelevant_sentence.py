"""A sentence that has nothing to do with the question, before what it asks (GSM-IC: Shi et al., 2302.00093)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from langdistill.errors import PromptError
from langdistill.perturbations.option_order import options_of
from langdistill.perturbations.perturbing import Perturbation

SENTENCES = (
    "The library around the corner was painted last spring.",
    "A neighbour's parrot is 12 years old.",
    "It had rained for most of the week in another town.",
    "The bakery in the next village closes at 5 on Saturdays.",
    "Somebody had left a green umbrella at the station.",
    "A violin teacher lives on the third floor of the house opposite.",
    "The old bridge over the river is 48 metres long.",
    "Most of the benches in the park are made of oak.",
    "A museum far away shows 30 old clocks.",
    "The local newspaper comes out on Thursdays.",
)
"""About nothing that a question is likely to be about; half of them hold a number, as distractors in GSM-IC do."""

BREAK = re.compile(r"[.!?][\"'”’)]*\s+|\n")


def irrelevant_sentence(sentences: Sequence[str] = SENTENCES) -> Perturbation:
    """Put one of some irrelevant sentences before the sentence that asks; the answer stays as it is.

    A question without a question mark gets it in front.

    Args:
        sentences: what is drawn from. Give your own where these could matter: a question that counts sentences, say.

    Raises:
        PromptError: there is none, or one is empty.
    """
    if not sentences or not all(one.strip() for one in sentences):
        raise PromptError(
            f"irrelevant_sentence({list(sentences)!r}) needs at least one sentence, and none that is empty."
        )

    def apply(question: str, rng: Random) -> str:
        at = _asking(question)
        return f"{question[:at]}{rng.choice(sentences).strip()} {question[at:]}"

    return Perturbation("irrelevant_sentence", apply)


def _asking(question: str) -> int:
    """Where the sentence begins that ends in the last question mark, that of options left aside."""
    options = options_of(question)
    mark = question.rfind("?", 0, options[0].start if options else len(question))
    if mark < 0:
        return 0
    return max((found.end() for found in BREAK.finditer(question, 0, mark)), default=0)
