"""OpenAI's rows for supervised fine-tuning: https://developers.openai.com/api/docs/guides/supervised-fine-tuning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.surviving import calls_of
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message


@dataclass(frozen=True)
class OpenAI(Format):
    """`messages`, and with tools `tools` and `parallel_tool_calls`. Replies in the prompt have the weight 0, the others 1."""

    drop_reasoning: bool = False
    parallel_tool_calls: bool = True

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row. It ends with the last reply: what came after that, the result of its call, say, teaches nothing.

        Raises:
            Unfit: "reasoning-lost": the format has no place for thinking; "no-reply"; "empty-reply"; "parallel-tool-calls":
                there are some, and the format is set to have none.
        """
        row: dict[str, Any] = {"messages": weighed(self, example.messages, to_the_last_reply(example.target))}
        return [row | offered(self, example)]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The messages."""
        return [without(one, "weight") for one in row["messages"]]

    def says(self, example: Example) -> list[list[Message]]:
        """The messages, without the thinking where it is to be dropped."""
        return [spoken(self, [*example.messages, *to_the_last_reply(example.target)])]


def openai(*, drop_reasoning: bool = False, parallel_tool_calls: bool = True) -> OpenAI:
    """Rows for OpenAI's supervised fine-tuning.

    Args:
        drop_reasoning: leave thinking out; else an example with thinking is no row.
        parallel_tool_calls: what the rows say of their requests; the API's own default is true.
    """
    return OpenAI(drop_reasoning, parallel_tool_calls)


def weighed(format: OpenAI, prompt: Iterable[Message], target: Iterable[Message]) -> list[dict[str, Any]]:
    """The messages of both; each reply tells its weight where some are not to be learnt."""
    context, learnt = written(format, prompt), written(format, target)
    if any(one["role"] == "assistant" for one in context):
        for messages, weight in ((context, 0), (learnt, 1)):
            messages[:] = [one | {"weight": weight} if one["role"] == "assistant" else one for one in messages]
    return [*context, *learnt]


def to_the_last_reply(target: Sequence[Message]) -> Sequence[Message]:
    """The target without what follows its last reply.

    Raises:
        Unfit: there is no reply in it ("no-reply").
    """
    last = max((at for at, one in enumerate(target) if one["role"] == "assistant"), default=None)
    if last is None:
        raise Unfit("no-reply")
    return target[: last + 1]


def written(format: OpenAI, messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Messages as the API takes them.

    Raises:
        Unfit: there is thinking, a reply without text and calls, or calls that there must not be.
    """
    return [_written(format, one) for one in spoken(format, messages)]


def spoken(format: OpenAI, messages: Iterable[Message]) -> list[Message]:
    """The messages, without the thinking where it is to be dropped."""
    return [without(one, "reasoning_content") if format.drop_reasoning else one for one in messages]


def offered(format: OpenAI, example: Example) -> dict[str, Any]:
    """The tools, where there are any."""
    return {"tools": example.tools, "parallel_tool_calls": format.parallel_tool_calls} if example.tools else {}


def without(message: Any, key: str) -> Message:
    """The message without one of its keys."""
    return cast("Message", {name: value for name, value in message.items() if name != key})


def _written(format: OpenAI, message: Message) -> dict[str, Any]:
    calls = message.get("tool_calls")
    if message.get("reasoning_content"):
        raise Unfit("reasoning-lost")
    if len(calls or ()) > 1 and not format.parallel_tool_calls:
        raise Unfit("parallel-tool-calls")
    if message["role"] == "assistant" and not message["content"] and not calls:
        raise Unfit("empty-reply")
    left = {"reasoning_content", *(["name"] if message["role"] == "tool" else []), *([] if calls else ["tool_calls"])}
    said: dict[str, Any] = {key: value for key, value in message.items() if key not in left}
    if calls:
        said["tool_calls"] = [_with_text(call, named) for call, named in zip(calls, calls_of(message), strict=True)]
    return said


def _with_text(call: dict[str, Any], named: tuple[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict):
        return call
    told = function.get("arguments")
    text = told if isinstance(told, str) else json.dumps(named[1], ensure_ascii=False)
    return {"type": "function", **call, "function": {**function, "arguments": text}}
