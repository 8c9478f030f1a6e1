"""Whether messages are still all there after they were written in a format and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Message

TEXT_BLOCKS = {"text", "input_text", "output_text"}


def check_survival(before: Sequence[Message], after: Sequence[Message], *, has_ids: bool = True) -> None:
    """Compare messages with what a trainer would read.

    `null` and an empty text are alike, as are text blocks and their text joined, and arguments as JSON text and as an object.

    Args:
        before: what was to be written.
        after: what is read again.
        has_ids: whether ids must be the same; else a result must belong to the same call as before.

    Raises:
        Unfit: with the reason "messages-lost", "tool-calls-lost", "reasoning-lost", "content-lost", "ids-lost" or "names-lost".
    """
    if before == after:
        return
    if [one["role"] for one in before] != [one["role"] for one in after]:
        raise Unfit("messages-lost")
    for one, other in zip(before, after, strict=True):
        if one != other:
            _compare(one, other)
    _compare_links(before, after, has_ids)


def calls_of(message: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The names and arguments of its tool calls, the arguments as JSON values; of another kind of call, the call itself."""
    return [
        (call["function"].get("name", ""), arguments_of(call["function"].get("arguments")))
        if isinstance(call.get("function"), dict)
        else ("", call)
        for call in message.get("tool_calls") or ()
    ]


def arguments_of(written: Any) -> Any:
    """Arguments as a JSON value; those that are no JSON as the text that they are. Nothing, and `null`, is no arguments."""
    value = written
    if isinstance(written, str):
        try:
            value = json.loads(written) if written.strip() else None
        except ValueError:
            return written
    return {} if value is None else value


def plain(content: Any) -> Any:
    """A message's content as one text; content that has more than text in it as it is."""
    if content is None:
        return ""
    if not isinstance(content, list):
        return content
    texts = [_text_in(block) for block in cast("list[Any]", content)]
    return content if None in texts else "".join(cast("list[str]", texts))


def _text_in(block: Any) -> str | None:
    if isinstance(block, str):
        return block
    text = block.get("text") if isinstance(block, dict) and block.get("type", "text") in TEXT_BLOCKS else None
    return text if isinstance(text, str) else None


def _compare(before: Message, after: Message) -> None:
    if calls_of(before) != calls_of(after):
        raise Unfit("tool-calls-lost")
    if (before.get("reasoning_content") or "") != (after.get("reasoning_content") or ""):
        raise Unfit("reasoning-lost")
    if plain(before["content"]) != plain(after["content"]):
        raise Unfit("content-lost")


def _compare_links(before: Sequence[Message], after: Sequence[Message], has_ids: bool) -> None:
    links, links_after = _Links(before, has_ids), _Links(after, has_ids)
    if links.ids != links_after.ids:
        raise Unfit("ids-lost")
    if links.names != links_after.names:
        raise Unfit("names-lost")


class _Links:
    """Who said the messages, and which result belongs to which call."""

    def __init__(self, messages: Sequence[Message], has_ids: bool) -> None:
        self.names: list[str | None] = []
        self.ids: list[Any] = []
        """The ids; of a format without ids, the number of the call for each result."""
        asked: dict[Any, int] = {}  # an id that is used again stands for the later call
        count = 0
        for message in messages:
            said = message.get("tool_call_id")
            # a result that names its call need not name the tool as well
            self.names.append(None if message["role"] == "tool" and said in asked else message.get("name"))
            if message["role"] == "tool":
                self.ids.append(said if has_ids else asked.get(said))
            for call in message.get("tool_calls") or ():
                asked[call.get("id")] = count
                count += 1
                if has_ids:
                    self.ids.append(call.get("id"))
