"""Which tool call a result answers, where not every result says it."""

from __future__ import annotations

from typing import Any

from langdistill.records import Message


class Waiting:
    """The tool calls of a chat that no result has answered yet, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._calls: list[tuple[int, dict[str, Any]]] = []

    def ask(self, at: int, message: Message) -> None:
        """The calls of a message wait from here on; `at` is its index."""
        self._calls += [(at, call) for call in message.get("tool_calls", [])]

    def has(self, name: str) -> bool:
        """Whether a call of this tool waits."""
        return any(call["function"]["name"] == name for _, call in self._calls)

    def answer(self, result: Message) -> tuple[int, dict[str, Any]] | None:
        """Index of the message that asked for a result, and the call, which waits no longer; `None` where none did.

        A result without an id answers the first call of its name, or the first of all where it has no name.
        """
        asked = next((one for one in self._calls if _answers(result, one[1])), None)
        if asked:
            self._calls.remove(asked)
        return asked


def _answers(result: Message, call: dict[str, Any]) -> bool:
    if identity := result.get("tool_call_id"):
        return identity == call["id"]
    return result.get("name") in (None, call["function"]["name"])
