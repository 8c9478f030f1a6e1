"""Every message of a root is told once and then referred to by its number, so that a turn costs what is new in it.

LangChain's objects change after a callback has seen them: an agent names its messages, a reducer gives ids, people edit. So
an object that was seen is trusted only while what was told of it still equals what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import orjson
from langchain_core.messages import AIMessage, BaseMessage

from langdistill.recording.capture.encoding import encode
from langdistill.recording.capture.messages import plain
from langdistill.records import Message

MOST_SEEN = 512
"""Message objects of a root that are held on to; without them a message is still told once, but encoded again."""
MOST_PROMPTS = 16
CONTENT, NAME, ASKED = attrgetter("content"), attrgetter("name"), attrgetter("tool_calls", "additional_kwargs")

Clean = Callable[[bytes], bytes]
"""The JSON of a value, to the JSON that may be written."""


class _Seen:
    """A message object and what it held when it was told."""

    __slots__ = ("asked", "content", "message", "name", "number")

    def __init__(self, message: BaseMessage, number: int) -> None:
        self.message = message  # held, so that no other object gets its id
        self.number = number
        self.content = _copied(message.content)
        self.name = message.name
        self.asked: tuple[Any, Any] | None = None
        if isinstance(message, AIMessage):
            calls, others = ASKED(message)
            self.asked = _copied(calls) if calls else [], _copied(others) if others else {}

    def holds(self) -> bool:
        message = self.message
        return (
            message.content == self.content
            and message.name == self.name
            and (self.asked is None or ASKED(message) == self.asked)
        )


class _Prompt:
    """The prompt of a call, and what its messages held; whole lists are compared at once."""

    __slots__ = ("asked", "asking", "call", "contents", "ids", "messages", "names", "numbers")

    def __init__(self, call: int, messages: list[BaseMessage], ids: list[int], numbers: list[int]) -> None:
        self.call, self.messages, self.ids, self.numbers = call, messages, ids, numbers
        self.contents: list[Any] = []
        self.names: list[str | None] = []
        self.asking: list[BaseMessage] = []
        self.asked: list[Any] = []

    def saw(self, seen: _Seen) -> None:
        self.contents.append(seen.content)
        self.names.append(seen.name)
        if seen.asked is not None:
            self.asking.append(seen.message)
            self.asked.append(seen.asked)

    def go_on(self, before: _Prompt) -> None:
        """What the earlier prompt knows of its messages."""
        self.contents, self.names = before.contents.copy(), before.names.copy()
        self.asking, self.asked = before.asking.copy(), before.asked.copy()

    def holds(self) -> bool:
        return (
            list(map(CONTENT, self.messages)) == self.contents
            and list(map(NAME, self.messages)) == self.names
            and list(map(ASKED, self.asking)) == self.asked
        )


class Told:
    """The messages of one root."""

    def __init__(self, clean: Clean, clean_message: Clean) -> None:
        self._clean, self._clean_message = clean, clean_message
        self._known: dict[bytes, int] = {}
        self._seen: dict[int, _Seen] = {}
        self._prompts: dict[int, _Prompt] = {}
        self._next = 0
        self._new: list[tuple[int, orjson.Fragment]] = []
        self._values: dict[bytes, int] = {}

    def prompt(self, call: int, messages: list[BaseMessage]) -> tuple[int, int, list[int]]:
        """The call whose prompt this one goes on from, how many messages of it, and the numbers of the others."""
        ids = list(map(id, messages))
        before = self._prompts.get(ids[0]) if ids else None
        keep = len(before.ids) if before else 0
        if before and not (ids[:keep] == before.ids and before.holds()):
            before, keep = None, 0
        this = _Prompt(call, list(messages), ids, before.numbers if before else [])
        if before:
            this.go_on(before)
        more: list[int] = []
        for message in messages[keep:]:
            seen = self._see(message)
            this.saw(seen)
            more.append(seen.number)
        this.numbers = this.numbers + more
        if ids:
            if len(self._prompts) >= MOST_PROMPTS:
                self._prompts.clear()
            self._prompts[ids[0]] = this
        return (before.call if before else -1), keep, more

    def tell(self, message: BaseMessage | Message) -> int:
        """The number of a message, be it an object or plain already."""
        return self._see(message).number if isinstance(message, BaseMessage) else self._said(message)

    def _said(self, message: Message) -> int:
        body = dict(message)
        name = body.pop("name", None) if body.get("role") == "assistant" else None
        encoded = encode(body)
        number = self._number(blake2b(encoded, digest_size=16).digest(), encoded)
        if name is None:
            return number
        # the agent names its model's reply later: the same message, told again by its name alone
        named = {"as": number, "name": name}
        encoded = encode(named)
        return self._number(encoded, encoded)

    def once(self, value: Any) -> tuple[int, orjson.Fragment | None]:
        """The number of a value, as of the tools that every call offers, and the value where it was not told before."""
        encoded = encode(value)
        key = blake2b(encoded, digest_size=16).digest()
        if (number := self._values.get(key)) is not None:
            return number, None
        number = self._values[key] = len(self._values)
        return number, orjson.Fragment(self._clean(encoded))

    def new(self) -> list[tuple[int, orjson.Fragment]]:
        """What must be told now; asked for once for each event."""
        new, self._new = self._new, []
        return new

    def forget(self) -> None:
        """An event was lost, and with it what it told: tell everything anew."""
        self._known.clear()
        self._seen.clear()
        self._prompts.clear()
        self._new.clear()
        self._values.clear()

    def _see(self, message: BaseMessage) -> _Seen:
        seen = self._seen.get(id(message))
        if seen is None or not seen.holds():
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            seen = self._seen[id(message)] = _Seen(message, self._said(plain(message)))
        return seen

    def _number(self, key: bytes, encoded: bytes) -> int:
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self._next
            self._next += 1
            self._new.append((number, orjson.Fragment(self._clean_message(encoded))))
        return number


def _copied(value: Any) -> Any:
    """A copy that later changes do not reach; what is no JSON never equals it, and is told by its text each time."""
    return value if isinstance(value, str) else orjson.loads(encode(value))
