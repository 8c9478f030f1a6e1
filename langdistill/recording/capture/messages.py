"""LangChain messages as plain dicts in the OpenAI chat shape, copied so that later changes to the object do not reach them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langdistill.recording.capture.encoding import encode, simpler
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
    if isinstance(message, AIMessage) and isinstance(said["content"], list):
        said |= _of_blocks(said["content"])
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


REASONING = {"reasoning", "thinking"}
ASKING = {"tool_use", "tool_call", "tool_call_chunk", "function_call", "input_json_delta"}
"""Blocks that say again what `tool_calls` says."""
PLAIN_TEXT = {"type", "text", "index", "id"}


def _of_blocks(blocks: list[Any]) -> dict[str, Any]:
    """The content and the reasoning of a reply that came as blocks: plain texts are one text."""
    kinds = [one.get("type") if isinstance(one, dict) else "text" for one in blocks]
    reasoning = [_reasoning(one) for one, kind in zip(blocks, kinds, strict=True) if kind in REASONING]
    rest = [one for one, kind in zip(blocks, kinds, strict=True) if kind not in REASONING | ASKING]
    texts = [one if isinstance(one, str) else one["text"] for one in rest if _is_text(one)]
    said: dict[str, Any] = {"content": "".join(texts) if len(texts) == len(rest) else rest}
    return said | ({"reasoning_content": "".join(reasoning)} if any(reasoning) else {})


def _is_text(block: Any) -> bool:
    if isinstance(block, str):
        return True
    told = {key for key, value in block.items() if value or key == "text"}
    return block.get("type") == "text" and isinstance(block.get("text"), str) and told <= PLAIN_TEXT


def _reasoning(block: dict[str, Any]) -> str:
    """The text of a reasoning block, in LangChain's words, Anthropic's or OpenAI's."""
    said = block.get("reasoning") or block.get("thinking")
    return str(said or "".join(str(one.get("text", "")) for one in block.get("summary") or ()))
