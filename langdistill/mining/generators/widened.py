"""Another instruction of the same domain, wholly new and rarer (Evol-Instruct in breadth: Xu et al., 2304.12244, section 3.2); wording our own."""

from __future__ import annotations

from dataclasses import dataclass

from langdistill.mining.writing import FromOne

PROMPT = """\
Take the request below as a starting point and invent a wholly different one. It comes from the same domain and is rarer still, of \
like length and difficulty. It must make sense to people, and a language model must be able to respond to it.

[Request]
{request}

[End]

Reply with the invented request alone."""
"""Place: the request that was drawn, with its input."""


@dataclass(frozen=True)
class Widened(FromOne):
    """See `widened`."""


def widened(template: str = PROMPT) -> Widened:
    """Evolve in breadth, for more topics and skills.

    Args:
        template: with the place ``{request}``.

    Raises:
        PromptError: it has other places.
    """
    return Widened(template)
