"""Whether a text that a chat template printed holds all that the messages say, tool calls in whatever markup."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langdistill.datasets.formats.surviving import calls_of, plain
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Message


def check_printed(text: str, messages: Sequence[Message]) -> None:
    """Whether all that the messages say is in the text, in its order.

    Args:
        text: what a chat template printed.
        messages: what it had to print.

    Raises:
        Unfit: "template-loses-reasoning", "template-loses-content", "template-loses-tool-calls" or
            "template-quotes-arguments": arguments that are JSON text were written as a string once more.
    """
    at = 0
    for message in messages:
        thinking = (message.get("reasoning_content") or "").strip()
        at = _after(text, at, [thinking], "template-loses-reasoning")
        at = _after(text, at, [_content(message)], "template-loses-content")
        for call, (name, arguments) in zip(message.get("tool_calls") or (), calls_of(message), strict=True):
            at = _after(text, at, [name], "template-loses-tool-calls")
            if _quoted(call, text, at):
                raise Unfit("template-quotes-arguments")
            at = _after(text, at, _printed(arguments, text, at), "template-loses-tool-calls")


def _quoted(call: Mapping[str, Any], text: str, start: int) -> bool:
    """Whether arguments that are JSON text already were quoted once more."""
    written = call.get("function", {}).get("arguments")
    if not isinstance(written, str) or '"' not in written:
        return False
    return text.find(json.dumps(written, ensure_ascii=False), start) >= 0 and text.find(written, start) < 0


def _after(text: str, start: int, pieces: Sequence[str], reason: str) -> int:
    """Where the pieces end that must come from there on, in whatever order among themselves."""
    end = start
    for piece in pieces:
        found = text.find(piece, start)
        if found < 0:
            raise Unfit(reason)
        end = max(end, found + len(piece))
    return end


def _content(message: Message) -> str:
    return str(plain(message["content"])).strip()


def _printed(arguments: Any, text: str, start: int) -> list[str]:
    """The arguments as the template prints them: as JSON, or each key and value in markup of its own."""
    for written in (json.dumps(arguments, ensure_ascii=False), json.dumps(arguments)):
        if text.find(written, start) >= 0:
            return [written]
    return [_spelling(leaf, text, start) for leaf in _leaves(arguments)]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _spelling(leaf: Any, text: str, start: int) -> str:
    if isinstance(leaf, str):
        written = [leaf, json.dumps(leaf, ensure_ascii=False)[1:-1], json.dumps(leaf)[1:-1]]
    else:
        written = [json.dumps(leaf), str(leaf)]  # XML-like templates print Python's True
    return next((one for one in written if text.find(one, start) >= 0), written[0])
