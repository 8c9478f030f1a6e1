"""Fill a template: strict and in a single pass, so braces in a user's text are harmless.

A template names its places as ``{question}``. A place without a value, or a value without a place, is an error: a prompt
that silently lacks the question is the most expensive bug there is.
"""

from __future__ import annotations

import re

from langdistill.errors import PromptError

PLACE = re.compile(r"\{([a-z_]+)\}")

ANSWER_LINE = 'End with one line that reads "Answer:" and then only the answer.'
"""Asks for the line that `answers.final_answer` reads. Shared by every strategy that ends in free text."""

STEP_BY_STEP = "{question}\nThink step by step. " + ANSWER_LINE
"""Zero-shot chain of thought (Kojima et al., 2205.11916, own wording), shared by the strategies that sample reasoning."""

ANSWER_HINT = "(Known beforehand: the answer is {answer}.)"
"""Tells the gold answer. In words that no solution would use by itself, so that a hint that slips through is found."""

HINTED = (
    "{question}\n{hint}\nThink step by step how one arrives at it, as if you had not been told. Do not mention that you were. "
    + ANSWER_LINE
)
"""Places: the question, and the hint. Shared by the strategies that are told the gold answer."""

SELECT = (
    "Question: {question}\n\nSeveral responses were written to it:\n{responses}\n\n"
    "Evaluate these responses. Select the one that is most consistent with the majority of them, and end with one line that "
    'reads "Most consistent: Response N", N being its number.'
)
"""Universal self-consistency (Chen et al., 2311.17311, own wording), shared by the strategy and the filter of that name. Places: the
question, and the numbered responses; `answers.selection` reads what it gives."""


DOUBT = "Question: {question}\nAnswer: {reply}\nWhich sub-questions must be answered, and is the answer to be refined?"
"""What ART's asker is trained on and asked by (Shridhar et al., 2311.07961, own wording). Places: the question and the answer;
`answers.decision` reads the last line of what it gives."""

REFINE_OR_NOT = {True: "Refine: yes", False: "Refine: no"}
"""That last line: whether the answer is to be refined."""


def places(template: str) -> set[str]:
    """The names of the places in a template."""
    return set(PLACE.findall(template))


def check(template: str, *wanted: str) -> None:
    """Fail at once, not in the first run, where a template has other places than a strategy fills.

    Raises:
        PromptError: a place is missing, or there is one too many.
    """
    fill(template, **dict.fromkeys(wanted, ""))


def fill(template: str, **values: str) -> str:
    """Put the values into the template's places, once; text that comes with a value is never read as a template.

    Raises:
        PromptError: a place has no value, or a value has no place.
    """
    wanted = places(template)
    if wanted != values.keys():
        raise PromptError(
            f"The template has the places {sorted(wanted)} and was given {sorted(values)}. "
            f"Give exactly one value per place. Template: {template[:120]!r}"
        )
    return PLACE.sub(lambda match: values[match.group(1)], template)
