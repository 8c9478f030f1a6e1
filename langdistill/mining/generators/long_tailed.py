"""A new instruction of the same domain that is rarer: what easy instructions are for, so that what was learnt is kept and spreads.

Source: Jiang et al., 2305.12870, section 3.3 and appendix; wording our own.
"""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.mining.writing import FromOne

PROMPT = """\
Write one new request, inspired by the request below. It belongs to the same domain but is rarer: something that is seldom asked. It \
is about as long and as difficult, is reasonable, and can be answered by a language model. Do not copy the request, and do not \
answer it.

[Request]
{request}

[End]

Reply with the new request alone."""
"""Place: the request that was drawn, with its input."""


@dataclass(frozen=True)
class LongTailed(FromOne):
    """See `long_tailed`."""


def long_tailed(template: str = PROMPT) -> LongTailed:
    """The paper's way for easy instructions.

    Args:
        template: with the place ``{request}``.

    Raises:
        PromptError: it has other places.
    """
    return LongTailed(template)
