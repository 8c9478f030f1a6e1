"""Values and prompts that are told once, and referred to by number afterwards."""

from __future__ import annotations

import json
import marshal
from collections.abc import Sequence
from typing import Any

from langdistill.records import Message


class Table:
    """Distinct values, each with a number."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[bytes | str, int] = {}
        self._seen: dict[int, int] = {}

    def number(self, value: Any) -> int:
        """The number of a value; a new one is added. Equal JSON has one number."""
        if (number := self._seen.get(id(value))) is None:
            number = self._seen[id(value)] = self._number(value)
        return number

    def find(self, value: Any) -> int | None:
        """The number of a value that is there already."""
        return self._numbers.get(exactly(value))

    def _number(self, value: Any) -> int:
        key = exactly(value)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(self._told(value))
        return self._numbers[key]

    def _told(self, value: Any) -> Any:
        return value


def exactly(value: Any) -> bytes | str:
    """Equal where the JSON is, unlike `==` (1 is True); marshal takes a tenth of the time of JSON, but not every class."""
    try:
        return marshal.dumps(value, 0)
    except ValueError:
        return json.dumps(value)


class Messages(Table):
    """Distinct messages; a reply that comes back in a prompt with the agent's name is told as that reply and the name."""

    def _told(self, value: Message) -> Any:
        name = value.get("name")
        if name is None:
            return value
        unnamed = self.find({key: one for key, one in value.items() if key != "name"})
        return value if unnamed is None else [unnamed, name]


class Prefixes:
    """The prompts so far, as a tree: finds the call whose prompt begins like the next one for the longest."""

    def __init__(self) -> None:
        self._calls = 0
        self._after: dict[tuple[int, int], tuple[int, int]] = {}
        """Place in the tree and the next message, to the place after it and the call that came there first."""

    def told(self, prompt: Sequence[int]) -> list[int]:
        """The call that it is like, for how many messages, and the others."""
        place, like, same = 0, 0, 0
        for at, number in enumerate(prompt):
            known = self._after.get((place, number))
            if known is None:
                known = self._after[place, number] = (len(self._after) + 1, self._calls)
            elif same == at:
                like, same = known[1], at + 1
            place = known[0]
        self._calls += 1
        return [like, same, *prompt[same:]]
