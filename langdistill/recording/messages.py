"""LangChain messages as plain dicts in the OpenAI chat shape, copied so that later changes to the object do not reach them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langdistill.recording.encoding import encode, simpler
from langdistill.records import Message

ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool"}


def plain(message: BaseMessage) -> Message:
    """One message as a dict; roles, names, tool calls and reasoning are kept."""
    kind = message.type.removesuffix("MessageChunk").lower()
    role = ROLES.get(kind) or getattr(message, "role", "user")
    said: dict[str, Any] = {
        "role": role if role in ROLES.values() else "user",
        "content": message.content if isinstance(message.content, str) else deepcopy(message.content),
    }
    if name := message.name or (role if role not in ROLES.values() else None):  # a free role lives on as the name
        said["name"] = name
    if isinstance(message, AIMessage):
        if calls := [_tool_call(call) for call in (*message.tool_calls, *message.invalid_tool_calls)]:
            said["tool_calls"] = calls
        if reasoning := message.additional_kwargs.get("reasoning_content"):
            said["reasoning_content"] = str(reasoning)
    if isinstance(message, ToolMessage):
        said["tool_call_id"] = message.tool_call_id
    return said  # type: ignore[return-value]


simpler.register(BaseMessage, plain)  # inside of arguments and outputs, too


def _tool_call(call: Any) -> dict[str, Any]:
    """A tool call; arguments that a model wrote as no valid JSON stay the text they are."""
    arguments = call["args"] if isinstance(call["args"], str) else encode(call["args"]).decode()
    return {
        "id": call["id"] or "",
        "type": "function",
        "function": {"name": call["name"] or "", "arguments": arguments},
    }


def messages_in(value: Any) -> list[Message]:
    """The messages of a run's input or output, whatever it wraps them in; an empty list where it holds none."""
    if isinstance(value, BaseMessage):
        return [plain(value)]
    if isinstance(value, dict):
        return messages_in(value.get("messages"))
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, (list, tuple)):
        return [said for item in value for said in _message_of(item)]
    return []


def _message_of(item: Any) -> list[Message]:
    """One entry of a message list: a message, a dict, or LangChain's pair of role and text."""
    if isinstance(item, BaseMessage):
        return [plain(item)]
    if isinstance(item, dict) and "role" in item:
        return [deepcopy(item)]  # type: ignore[list-item]
    if isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str):
        return [{"role": ROLES.get(item[0], item[0]), "content": item[1]}]  # type: ignore[typeddict-item]
    return []
