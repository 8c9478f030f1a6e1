r"""LaTeX read as plain text: "1\frac{4}{5}\text{ units}" is "1 4/5 units"."""

from __future__ import annotations

import re

WORDS = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|operatorname)\s?\{([^{}]*+)\}")
FRACTION = re.compile(
    r"(?P<before>\d ?)?\\[dtc]?frac ?(?:\{ ?(?P<top>-?[\d.,]++) ?\}|(?P<one>\d)) ?(?:\{ ?(?P<bottom>[\d.,]++) ?\}|(?P<other>\d))"
)
SPELLINGS = {
    "−": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-",
    "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⁄": "/",
    r"\!": "", r"\,": "", "{,}": ",", r"\$": "$", r"\%": "%", r"\times": "x", r"\cdot": "x",
    r"^\circ": "°", r"^{\circ}": "°", "\u00a0": " ", "\u202f": " ",
}  # fmt: skip
"""Signs of one meaning, and the LaTeX that stands within numbers."""
FIRST = "".join({re.escape(one[0]) for one in SPELLINGS})
SPELLING = re.compile(
    rf"(?=[{FIRST}])(?:{'|'.join(re.escape(one) for one in sorted(SPELLINGS, key=len, reverse=True))})"
)


SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def plain(text: str) -> str:
    """Words, numbers, fractions and signs out of their LaTeX; other LaTeX stays as it is."""
    text = SUPERSCRIPT.sub(lambda found: f"^{found[0].translate(RAISED)}", text)
    text = SPELLING.sub(lambda found: SPELLINGS[found[0]], text)
    return FRACTION.sub(_fraction, WORDS.sub(r" \1 ", text)) if "\\" in text else text


def _fraction(found: re.Match[str]) -> str:
    before = f"{found['before'].strip()} " if found["before"] else ""
    return f"{before}{found['top'] or found['one']}/{found['bottom'] or found['other']}"
