"""ROUGE-L F1 between two texts (Lin, 2004, section 3): twice their longest common subsequence of tokens over all their tokens.

Recall is LCS/m and precision LCS/n, so that their harmonic mean is 2 LCS/(m + n); that is `Indel.normalized_similarity` of the
token sequences. It is computed from the whole number LCS, with one division: 7 common tokens of 8 and 12 are 0.7, not one bit
less.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rapidfuzz.distance import LCSseq

Tokens = Callable[[str], list[str]]
"""Cuts a text into what is compared."""

CHARACTERS = 0x110000
"""How many there are."""
SCREENING = 1e-3
"""By how much a cut-off that is given to RapidFuzz is lowered: it may miss what is within 1e-8 of it. `f1` decides afterwards."""
_WORDS = re.compile(r"[a-z0-9]+")
# Scripts that are written without spaces: Thai to Tibetan, Myanmar, Khmer, kana, Chinese characters.
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_ANY_SCRIPT = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def words(text: str) -> list[str]:
    """Runs of a to z and 0 to 9 in lower case, all else between them: the tokens of the rouge-score package without its stemmer.

    Letters of other alphabets, accented ones too, are no part of any token.
    """
    return _WORDS.findall(text.lower())


def any_script(text: str) -> list[str]:
    """Runs of letters and digits of any alphabet, case folded; each character alone where words are not written apart."""
    return _ANY_SCRIPT.findall(text.casefold())


def rouge_l(a: str, b: str, *, tokens: Tokens = words) -> float:
    """ROUGE-L F1, from 0 to 1; 0 where either text has no token.

    With the default tokens it equals `rougeL.fmeasure` of the rouge-score package without its stemmer.
    """
    known: dict[str, int] = {}
    return f1(*(spelled([known.setdefault(one, len(known)) for one in tokens(text)]) for text in (a, b)))


def f1(a: str | list[int], b: str | list[int]) -> float:
    """ROUGE-L F1 of two sequences of token numbers."""
    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b)) if a and b else 0.0


def spelled(numbers: Sequence[int]) -> str | list[int]:
    """Token numbers as characters, which compare fastest; as they are where there are more numbers than characters."""
    if max(numbers, default=0) < CHARACTERS:
        return "".join(map(chr, numbers))
    return list(numbers)


def legible(text: str, found: Sequence[str]) -> bool:
    """Whether the tokens hold at least half of the text's letters and digits, so that comparing them compares the text."""
    return 2 * sum(map(len, found)) >= sum(map(str.isalnum, text)) > 0
