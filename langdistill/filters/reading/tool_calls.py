"""The tool calls of messages in the OpenAI shape, read with care: imported traces hold all kinds of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from langdistill.records import Message


@dataclass(frozen=True)
class Asked:
    """One tool call of a message."""

    id: str | None
    name: str | None
    arguments: Any
    """As they are written: the text of a JSON object, if all is well."""

    @property
    def parsed(self) -> dict[str, Any] | None:
        """The arguments as an object; `None` where they are none."""
        found = self.arguments
        if isinstance(found, str):
            try:
                found = json.loads(found, parse_constant=_no_constant)
            except (ValueError, RecursionError):
                return None
        return found if isinstance(found, dict) else None

    @property
    def written(self) -> str:
        """The arguments as text."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


def asked(message: Message) -> list[Asked]:
    """The tool calls of a message."""
    found: Any = message.get("tool_calls")
    return [_asked(one) for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def asked_in(messages: Iterable[Message]) -> Iterator[Asked]:
    """The tool calls of all the assistant's messages."""
    return (one for message in messages if message["role"] == "assistant" for one in asked(message))


def leaves(value: Any) -> Iterator[str]:
    """The texts in a JSON value, keys left aside."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def schemas(tools: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Tool name to the JSON schema of its arguments; an empty one where none was given. Of two of a name the last."""
    found: dict[str, Mapping[str, Any]] = {}
    for tool in tools:
        function: Any = tool.get("function", tool)
        if isinstance(function, Mapping) and isinstance(name := function.get("name"), str):
            given = next((function[key] for key in ("parameters", "input_schema") if key in function), None)
            found[name] = given if isinstance(given, Mapping) else {}
    return found


def _asked(call: Mapping[str, Any]) -> Asked:
    function: Any = call.get("function")
    if not isinstance(function, Mapping):  # LangChain's own shape, which some recorders write
        function = {"name": call.get("name"), "arguments": call.get("args", call.get("arguments"))}
    return Asked(_text(call.get("id")), _text(function.get("name")), function.get("arguments"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
