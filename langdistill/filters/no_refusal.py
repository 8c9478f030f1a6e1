"""Drop answers that refuse, or that speak of being a language model instead of answering (English)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from langdistill.errors import DatasetError
from langdistill.filters.judging import Judgement, RowFilter
from langdistill.filters.reading.rows import answer_of
from langdistill.groups import Group
from langdistill.records import Example

OPENING = 300
"""Characters at the beginning of an answer that are looked at: further down the words are more often quoted than meant."""
SORRY = (
    r"(?:(?:i'm|i am) (?:so |very |really |truly )?(?:sorry|afraid)(?: for [^.]{0,60})?|i apologi[sz]e|sorry|apologies|unfortunately)"
    r"[,.:]? (?:but )?(?:that )?"
)
MACHINE = (
    r"(?:large |advanced |ai |artificial intelligence )*(?:ai|artificial intelligence|language model)"
    r"(?: model| assistant| system| chatbot| program| ai)?(?: (?:developed|trained|created|made) by [\w ]{1,30})?"
)
ASIDE = rf"(?:as an? {MACHINE},? )?"
CANNOT = (
    r"i(?:'m| am)? (?:currently |really |just |simply )?"
    r"(?:can't|cannot|can not|won't|will not|unable to|not able to|not capable of|not allowed to|not permitted to)"
)
SERVE = (
    r" (?:help(?:ing)?(?! but)|assist(?:ing)?|comply(?:ing)?|fulfill?(?:ing)?|engag(?:e|ing) in|condon(?:e|ing)|do that|"
    r"provid(?:e|ing) (?:an?|any|specific|this|that|you|instructions|information|guidance|advice)|perform external)\b"
)
MAKE = r" (?:answer|generate|create|discuss|write|offer (?:advice|guidance)|participate|respond|do this|do so)\b"
CAPABILITY = r"i (?:currently )?(?:do not|don't|lack)(?: currently)?(?: have)? the (?:capability|capabilities|ability|capacity) to"
LIMITS = (
    r"(?:external tasks?|(?:don't|do not) have a function|no function|my (?:current )?(?:capabilities|functions?) )"
)
OPENER = r"\A[\W_]*(?:\w+:\s*)?"
REFUSED = (
    rf"{OPENER}(?:{SORRY})?{ASIDE}{CANNOT}{SERVE}",
    rf"{OPENER}{SORRY}{ASIDE}(?:{CANNOT}{MAKE}|{CAPABILITY}|{CANNOT}[^.]{{0,80}}{LIMITS})",
    rf"{OPENER}{SORRY}as an? {MACHINE},? (?:{CANNOT}|{CAPABILITY})",
    rf"{OPENER}(?:{SORRY})?i (?:must|have to|need to|will have to) (?:respectfully |politely )?(?:decline|refuse) to\b",
)
BOILERPLATE = (
    rf"\bas an? {MACHINE},? i\b",
    rf"\bi(?:'m| am) (?:only |just |merely )?an? {MACHINE}(?=\s*(?:[,.;:!]|and\b|so\b|that\b|which\b|without\b|designed\b))",
)
QUOTES = str.maketrans("’‘“”", "''\"\"")


@dataclass(frozen=True)
class NoRefusal(RowFilter):
    """See `no_refusal`."""

    phrases: tuple[str, ...]

    def judge(self, row: Example, group: Group) -> Judgement:
        """Look at the opening of what the student would learn to answer."""
        opening = " ".join(answer_of(row)[: 2 * OPENING].translate(QUOTES).split())[:OPENING]
        for reason, expressions in (("refused", REFUSED), ("boilerplate", BOILERPLATE), ("phrase", self.phrases)):
            for expression in expressions:
                if found := re.search(expression, opening, re.IGNORECASE):
                    return Judgement(False, reason, evidence={"text": found[0].strip()[:100]})
        return Judgement(True, "answers")


def no_refusal(*, phrases: Sequence[str] = ()) -> NoRefusal:
    r"""Drop rows whose answer refuses ("refused") or begins by speaking of itself as a language model ("boilerplate").

    Only the opening of the last text of the target is looked at, and only in English. An agent that says what its rules do not
    allow ("I'm sorry, but I cannot remove a passenger from a reservation") does its work; it is not dropped. To drop that as
    well, or refusals in another language, give `phrases`.

    Args:
        phrases: further regular expressions, looked for in the opening, whatever the case ("phrase").

    Raises:
        DatasetError: a phrase is no regular expression.
    """
    for phrase in phrases:
        try:
            re.compile(phrase)
        except re.error as error:
            raise DatasetError(f"no_refusal(phrases=[{phrase!r}]) is no regular expression: {error}.") from error
    return NoRefusal(tuple(phrases))
