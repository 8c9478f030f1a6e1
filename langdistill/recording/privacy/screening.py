"""Can a text hold what is looked for? One quick look that lets most texts pass unread.

The recorder asks this of every message inside LangChain's callback. Looking for thirty words one after another costs twenty
microseconds a kilobyte, and so does Python's `re`; the regular expressions of Rust, which pydantic's validators run on, look
for all of them at once in less than one. They also take linear time whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

Screen = Callable[[str], bool]
AT_ONCE = 24
"""So many words of like lengths are found with vector instructions; more, or of more lengths, with a table, five times slower."""


def matching(expression: str) -> Screen:
    """Whether the expression (Rust's syntax, no look-around) occurs anywhere in a text."""
    return SchemaValidator(core_schema.str_schema(pattern=expression)).isinstance_python


@lru_cache(maxsize=1024)
def any_of(words: Sequence[bytes]) -> Screen:
    """Whether one of the words occurs in a lower-case text; words that cannot be looked for let every text count as a hit."""
    apart = sorted(words, key=len)
    try:
        screens = [
            matching("|".join(re.escape(word.lower().decode()) for word in apart[at : at + AT_ONCE]))
            for at in range(0, len(apart), AT_ONCE)
        ]
    except (UnicodeDecodeError, SchemaError):
        return lambda text: True

    def held(text: str) -> bool:
        for screen in screens:  # noqa: SIM110 - a generator doubles the cost
            if screen(text):
                return True
        return False

    return screens[0] if len(screens) == 1 else held
