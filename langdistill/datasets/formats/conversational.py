"""Messages as TRL and the chat templates of models read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from langdistill.datasets.formats.surviving import arguments_of, plain
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


def chat(messages: Iterable[Message]) -> list[Message]:
    """Messages for a chat template: content is text and arguments are objects.

    That is what templates of Hugging Face models are written for, and what vLLM hands them: most of them would print the text
    "None", drop blocks, or quote arguments that are text a second time.

    Raises:
        Unfit: "not-text" for images and the like.
    """
    return [_chat(one) for one in messages]


def extras(example: Example) -> dict[str, Any]:
    """Columns beside the messages: the problem, the tools and the style where there are any, the weight where it is not 1."""
    found: dict[str, Any] = {"problem": example.problem}
    if example.tools:
        found["tools"] = example.tools
    if example.style:
        found["style"] = example.style
    if example.weight != 1:
        found["weight"] = example.weight
    return found


def _chat(message: Message) -> Message:
    content, calls = message["content"], message.get("tool_calls")
    if isinstance(content, str) and not calls:
        return message
    text = plain(content)
    if not isinstance(text, str):
        raise Unfit("not-text")
    said: dict[str, Any] = {**message, "content": text}
    if calls:
        said["tool_calls"] = [_with_object(call) for call in calls]
    return cast("Message", said)


def _with_object(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict):
        return call
    return {**call, "function": {**function, "arguments": arguments_of(function.get("arguments"))}}
