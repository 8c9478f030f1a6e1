"""Real documents, damaged: keys and values lost, doubled, swapped or of another type, and bytes flipped or cut off."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random
from typing import Any

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 10**30, -(10**400), "", "x", "\ud800", "a\x00b", "{", "[1, 2",
    '{"role": 1}', "nan", "9" * 30, "2024-13-45T99:99:99Z", [], {}, [[]], [None], {"a": {}}, [[["user", "hi"]]], "{'a': 1}",
    {"role": "user"}, {"role": "model", "parts": 5}, {"type": "tool_use"}, {"content": {"parts": [1, None, {"text": 3}]}},
    {"lc": 1, "kwargs": {}, "id": []}, {"message": {"message": {"message": {}}}}, {"type": "human", "data": {}},
)  # fmt: skip


LARGEST = 5000
"""Characters of a value that is copied to another place; an object copied into itself again and again would fill the memory."""


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every object or list within, with each of its keys or indices."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            waiting.append(one[key])
    return found


def deep(random: Random) -> Any:
    value: Any = "bottom"
    for _ in range(random.choice((70, 300))):
        value = {"messages": value} if random.random() < 0.5 else [value]
    return value


def damaged(document: Any, random: Random, times: int) -> Any:
    """A copy of a JSON document with some places damaged, some of them in JSON that is text within it."""
    document = json.loads(json.dumps(document))
    for _ in range(times):
        found = places(document)
        if not found:
            return document
        holder, key = random.choice(found)
        _damage(holder, key, found, random)
    return document


def _damage(holder: Any, key: Any, found: list[tuple[Any, Any]], random: Random) -> None:
    how = random.randrange(7)
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = deepcopy(random.choice(STRANGE))
    elif how == 2 and isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(holder[key])))
    elif how == 3 and isinstance(holder, dict):
        holder[random.choice(("id", "role", "content", "type", "messages", "name", "x"))] = holder.pop(key)
    elif how == 4:
        other, place = random.choice(found)
        copied = json.dumps(other[place]) if isinstance(other, list) or place in other else "null"
        holder[key] = json.loads(copied) if len(copied) < LARGEST else None
    elif how == 5 and isinstance(holder[key], str) and holder[key][:1] in ("{", "["):
        try:
            holder[key] = json.dumps(damaged(json.loads(holder[key]), random, 2))
        except ValueError:
            holder[key] = holder[key][: len(holder[key]) // 2]
    elif how == 6 and random.random() < 0.1:
        holder[key] = deep(random)
    else:
        holder[key] = deepcopy(random.choice(STRANGE))


def with_bytes_damaged(data: bytes, random: Random) -> bytes:
    """The same with some bytes replaced, or the end cut off."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[: random.randrange(len(changed))] if random.random() < 0.3 else changed)
