"""Word problems told from a known graph: a chain of three to six changes of a number, one of which can be misread.

Socks are bought and lost by the piece, and on one day by the pair: who overlooks the word adds 3 instead of 6. That is a
systematic error: whoever makes it comes to the same wrong answer, so that votes do not help against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from langdistill.lab.draws import Draw
from langdistill.records import Problem

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
NAMES = ("Ann", "Bob", "Eva", "Ian", "Kim", "Leo", "Mia", "Tom")
THINGS = ("socks", "gloves", "boots", "skates", "mittens", "sandals")
"""They come in pairs."""
SIZES = (3, 4, 5, 6)
"""Changes of a problem."""
VERBS = {"+": "buys", "-": "loses"}

OPENING = re.compile(r"(?P<name>\w+) has (?P<count>\d+) single (?P<things>\w+)\.")
CHANGE = re.compile(
    r"On (?P<day>\w+day) \w+ (?:(?P<verb>buys|loses) (?P<count>\d+) (?P<pairs>pairs of)?|has (?P<times>\d) times as many)"
)


@dataclass(frozen=True)
class Change:
    """What happens on a day."""

    day: str
    sign: str
    """"+", "-" or "*"."""
    count: int
    pairs: bool = False
    """Whether pairs are counted."""

    def amount(self, *, misread: bool = False) -> int:
        """In single pieces; who misreads takes pairs for pieces."""
        return self.count * (2 if self.pairs and not misread else 1)

    def after(self, value: int, *, misread: bool = False) -> int:
        """How many there are then."""
        amount = self.amount(misread=misread)
        return value * amount if self.sign == "*" else value + amount if self.sign == "+" else value - amount

    def told(self, name: str, things: str) -> str:
        """A sentence of the story."""
        if self.sign == "*":
            return f"On {self.day} {name} has {self.count} times as many {things} as the day before."
        return f"On {self.day} {name} {VERBS[self.sign]} {self.count} {'pairs of ' * self.pairs}{things}."


@dataclass(frozen=True)
class Story:
    """A problem's graph."""

    name: str
    things: str
    start: int
    changes: tuple[Change, ...]

    @property
    def asked(self) -> str:
        """The question that the story ends in."""
        return f"How many single {self.things} has {self.name} at the end?"

    @property
    def text(self) -> str:
        """The problem as it is told."""
        told = [one.told(self.name, self.things) for one in self.changes]
        return " ".join([f"{self.name} has {self.start} single {self.things}.", *told, self.asked])

    def ends_in(self, *, misread: bool = False) -> int:
        """The right answer, or the one of somebody who takes pairs for pieces."""
        value = self.start
        for change in self.changes:
            value = change.after(value, misread=misread)
        return value


def story_in(text: str) -> Story:
    """The graph of a problem that a text begins with.

    Raises:
        ValueError: it does not begin with such a problem.
    """
    line = text.split("\n", 1)[0]
    opening = OPENING.match(line)
    if not opening:
        raise ValueError(f"A problem of the search world was expected at the beginning, not {text[:200]!r}")
    changes = tuple(_change(found) for found in CHANGE.finditer(line))
    return Story(opening["name"], opening["things"], int(opening["count"]), changes)


def draw(n: int, *, seed: int) -> Draw:
    """So many different problems, and beside them the answers; the same arguments give the same draw.

    Args:
        n: how many.
        seed: of the draw; other seeds have other problems, up to chance.
    """
    rng, found = Random(f"search-world-{seed}"), dict[str, Story]()
    while len(found) < n:
        story = _story(rng)
        if story.ends_in() != story.ends_in(misread=True):
            found[story.text] = story
    ids = [f"search-{seed}-{at}" for at in range(n)]
    problems = [Problem(id=id, question=text) for id, text in zip(ids, found, strict=True)]
    return Draw(problems, {id: str(story.ends_in()) for id, story in zip(ids, found.values(), strict=True)})


def _change(found: re.Match[str]) -> Change:
    if found["times"]:
        return Change(found["day"], "*", int(found["times"]))
    sign = "+" if found["verb"] == VERBS["+"] else "-"
    return Change(found["day"], sign, int(found["count"]), bool(found["pairs"]))


def _story(rng: Random) -> Story:
    """A chain in which nobody loses more than there are."""
    size = rng.choice(SIZES)
    misleading, start = rng.randrange(size), rng.randint(20, 60)
    value, changes = start, list[Change]()
    for day in DAYS[:size]:
        pairs = len(changes) == misleading
        sign = rng.choice("+-" if pairs else "+-*")
        count = rng.randint(2, 3) if sign == "*" else rng.randint(2, 9)
        if sign == "-" and value <= 2 * count:
            sign = "+"
        changes.append(Change(day, sign, count, pairs))
        value = changes[-1].after(value)
    return Story(rng.choice(NAMES), rng.choice(THINGS), start, tuple(changes))
