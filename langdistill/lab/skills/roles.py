"""The teacher, the referee and the generator of a skill world, as chat models that need no server and are the same every time.

A reply depends on the prompt and on which sample of it is asked for, and on nothing else, so replies can be kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from langchain_core.messages import BaseMessage

from langdistill.jobs import sample_path
from langdistill.lab.skills.world import Cell, Request, SkillWorld, request_in
from langdistill.mining.generators.long_tailed import PROMPT as RARER
from langdistill.mining.generators.same_kind import PROMPT as SAME_KIND
from langdistill.records import digest
from langdistill.testing.models import OneReplyChatModel

SHOWN = re.compile(
    r"^\[Request\]\n(?P<request>.*?)^\[Response A\]\n(?P<a>.*?)^\[Response B\]\n(?P<b>.*?)^\[End\]$",
    re.MULTILINE | re.DOTALL,
)
BEST, WORST = 10, 1
"""Of the referee's grades."""


@dataclass(frozen=True)
class Leaning:
    """How a referee grades: what it sees in a response, plus what it should not add."""

    right: float = 9.0
    """Grade of a right response."""
    wrong: float = 4.0
    noise: float = 0.8
    """Standard deviation of what is added to each grade by chance."""
    first: float = 1.5
    """What is added to whichever response is shown first."""
    unreadable: float = 0.0
    """Share of replies without grades."""
    blind: bool = False
    """Grades drawn at random whatever the responses: the split that comes of it is a uniform one."""


LEANING = Leaning()
"""A noisy referee who prefers what is shown first."""


def teacher(world: SkillWorld) -> OneReplyChatModel:
    """Always right; it ends in a full stop or does not, so that two right answers are not always the same text.

    Two equal responses make one prompt of both orders, whose one reply cancels itself: noise would never be seen.
    """

    def answer(text: str, rng: Random) -> str:
        return world.answer(request_in(text)).removesuffix(rng.choice(("", ".")))

    return _spoken(world, "teacher", answer)


def referee(world: SkillWorld, leaning: Leaning = LEANING) -> OneReplyChatModel:
    """Grades two responses, shown between the marks of `langdistill.mining.referee.PROMPT`; the bonus for the first is its bias."""

    def grade(text: str, rng: Random) -> str:
        shown = SHOWN.search(text)
        if not shown:
            raise ValueError(f"A request with two responses was expected, not {text[:200]!r}")
        request = request_in(shown["request"])
        verdicts = [world.is_right(request, shown[side]) for side in "ab"]
        told = " ".join(
            f"{side} is {'right' if right else 'wrong'}." for side, right in zip("AB", verdicts, strict=True)
        )
        if rng.random() < leaning.unreadable:
            return f"{told} Both have their merits."
        a, b = (_grade(right, leaning, rng, first=at == 0) for at, right in enumerate(verdicts))
        return f"{told}\nScore of A: {a}\nScore of B: {b}"

    return _spoken(world, f"referee-{digest(repr(leaning))[:8]}", grade)


def generator(world: SkillWorld) -> OneReplyChatModel:
    """Writes another instruction of the same cell, or of a rarer one of the same country, as it is asked to."""
    rarer, same_kind = _opening(RARER), _opening(SAME_KIND)

    def write(text: str, rng: Random) -> str:
        shown = request_in(text)
        if text.startswith(rarer):
            return world.draw(rng, rarer_cell(world, shown, rng), "train").text
        if text.startswith(same_kind):
            return world.draw(rng, shown.cell, "train").text
        raise ValueError(f"A prompt of same_kind or long_tailed was expected, not {text[:200]!r}")

    return _spoken(world, "generator", write)


def rarer_cell(world: SkillWorld, shown: Request, rng: Random) -> Cell:
    """A cell of the same country, the oftener the rarer it is; the one that was shown may come again."""
    cells = [cell for cell in world.cells if cell.domain == shown.cell.domain]
    return rng.choices(cells, [world.ranks[cell] for cell in cells])[0]


def _spoken(world: SkillWorld, role: str, say: Callable[[str, Random], str]) -> OneReplyChatModel:
    """A model of one role; its name tells worlds and settings apart."""
    name = f"skill-world-{digest(repr(world))[:8]}-{role}"

    def script(messages: list[BaseMessage], _: int) -> str:
        text = messages[-1].text
        return say(text, Random(digest(name, text, sample_path.get())))

    return OneReplyChatModel(script=script, model=name)


def _grade(right: bool, leaning: Leaning, rng: Random, *, first: bool) -> int:
    if leaning.blind:
        return rng.randint(WORST, BEST)
    seen = (leaning.right if right else leaning.wrong) + rng.gauss(0, leaning.noise) + leaning.first * first
    return min(max(round(seen), WORST), BEST)


def _opening(prompt: str) -> str:
    """What a template begins with, up to what is filled in."""
    return prompt.partition("{")[0]
