"""Messages of any shape in the OpenAI chat shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langdistill.records import Message
from langdistill.stores.foreign.linking import Waiting
from langdistill.stores.foreign.losses import Losses, is_empty, shown
from langdistill.stores.foreign.parts import Said, called, said_by, tool_call, tool_result
from langdistill.stores.foreign.values import as_text, first, mapping, parsed, sequence, text_of

ROLES = {
    **dict.fromkeys(("user", "human", "generic"), "user"),
    **dict.fromkeys(("assistant", "ai", "model"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function"), "tool"),
}
"""What others call the four roles. Any other is the name of who speaks: of a tool that was called, or else of a user."""
ITEMS = frozenset({"function_call", "function_call_output", "reasoning", "message"})
"""What the items of OpenAI's Responses are; one turn of the assistant is several of them."""
READ = frozenset({"role", "content", "parts", "name", "tool_calls", "tool_call_id", "function_call", "reasoning_content",
                  "reasoning", "refusal", "additional_kwargs", "invalid_tool_calls", "type", "toolInvocations",
                  "experimental_attachments"})  # fmt: skip
BOOKKEEPING = frozenset({"id", "index", "lc", "example", "status", "response_metadata", "usage_metadata", "usage", "model",
                         "tool_call_chunks", "chunk_position", "stop_reason", "stop_sequence", "finish_reason",
                         "finishReason", "phase", "object", "event.name", "gen_ai.system", "gen_ai.message.index",
                         "annotations", "createdAt", "message_id", "logprobs", "audio_id"})  # fmt: skip
"""What libraries put into a message for themselves."""


def is_message(value: Any) -> bool:
    """Whether it looks like a message of some shape."""
    if not isinstance(value, dict):
        return False
    inner = mapping(unwrapped(value))
    return isinstance(inner.get("role"), str) or _is_item(inner) or (_role(inner) is not None and "content" in inner)


def unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """A message out of LangChain's constructor, of its `data`, or of the choice that holds it."""
    fields = value
    if isinstance(fields.get("kwargs"), dict) and isinstance(fields.get("id"), list):
        name = text_of(fields["id"][-1] if fields["id"] else None) or ""
        fields = {"type": name.removesuffix("Chunk").removesuffix("Message").lower()} | fields["kwargs"]
    elif isinstance(fields.get("data"), dict) and isinstance(fields.get("type"), str):
        fields = {"type": fields["type"]} | fields["data"]
    elif isinstance(fields.get("message"), dict) and "role" not in fields:
        fields = unwrapped({"role": "assistant"} | fields["message"] if "index" in fields else fields["message"])
    return fields


def _role(fields: dict[str, Any]) -> str | None:
    """The role as it is written, or the type that tells it."""
    if isinstance(fields.get("role"), str):
        return fields["role"]
    kind = fields.get("type")
    kind = kind.removesuffix("MessageChunk").lower() if isinstance(kind, str) else ""
    return kind if kind in ROLES else None


def _is_item(fields: dict[str, Any]) -> bool:
    kind = fields.get("type")
    return isinstance(kind, str) and kind in ITEMS and (kind != "message" or "role" in fields)


def read_messages(value: Any, losses: Losses) -> list[Message]:
    """The messages of a list, or of one message. What is none is told, and left out."""
    found: list[Message] = []
    for item in value if isinstance(value, list) else [value]:
        new = list(_read(parsed(item), losses))
        if found and new and _goes_on(item, found[-1], new[0]):
            found[-1] = _joined(found[-1], new.pop(0))
        found += new
    return _linked(found)


def _read(item: Any, losses: Losses) -> Iterator[Message]:
    if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):  # LangChain's pair of role and text
        item = {"role": item[0], "content": item[1]}
    if isinstance(item, str):
        item = {"role": "user", "content": item}
    fields = mapping(unwrapped(item)) if isinstance(item, dict) else {}
    if _is_item(fields) and "role" not in fields:
        yield from _item(fields)
    elif (role := _role(fields)) is None:
        losses.tell("no-message", f"Expected a message with a role, got {shown(item)}")
    else:
        yield from _message(role, fields, losses)


def _item(fields: dict[str, Any]) -> Iterator[Message]:
    """One item of Responses that is no message."""
    said = said_by([fields])
    if not said.results:
        yield _assistant(said, {})
    yield from said.results


def _message(role: str, fields: dict[str, Any], losses: Losses) -> Iterator[Message]:
    losses.left(fields, READ | BOOKKEEPING, "message.")
    known = ROLES.get(role.lower())
    said = said_by(first(fields, ("content", "parts")))
    if known == "assistant":
        _tell_calls(fields, losses)
        yield _assistant(said, fields)
        yield from said.results
        return
    if said.calls or said.reasoning or not is_empty(fields.get("tool_calls")):
        losses.tell("misplaced", f"Only the assistant calls tools and reasons, but here {role!r} does: {shown(fields)}")
    yield from said.results
    if known == "tool" and not said.results:
        yield tool_result(fields.get("tool_call_id"), fields.get("name"), fields.get("content"))
    elif said.parts or not said.results:
        message = Message(role="system" if known == "system" else "user", content=said.content or "")
        if name := text_of(fields.get("name")) or (None if known else role):
            message["name"] = name
        yield message


def _assistant(said: Said, fields: dict[str, Any]) -> Message:
    more = mapping(fields.get("additional_kwargs"))
    message = Message(role="assistant", content=_content(said, fields))
    if name := text_of(fields.get("name")):
        message["name"] = name
    calls = said.calls or _calls(fields) or _calls(more)
    if calls:
        message["tool_calls"] = calls
    told = first(fields, ("reasoning_content", "reasoning")) or more.get("reasoning_content")
    said.reasoning += (
        [told] if isinstance(told, str) and told else said_by([told]).reasoning if isinstance(told, dict) else []
    )
    if said.reasoning:
        message["reasoning_content"] = "\n\n".join(said.reasoning)
    return message


def _content(said: Said, fields: dict[str, Any]) -> str | list[Any] | None:
    refusal = text_of(fields.get("refusal"))
    if refusal:
        return [*said.parts, {"type": "refusal", "refusal": refusal}]
    return said.content if said.content is not None else "" if fields.get("content") in ("", []) else None


def _calls(fields: dict[str, Any]) -> list[dict[str, Any]]:
    listed = [*sequence(parsed(fields.get("tool_calls"))), *sequence(fields.get("invalid_tool_calls"))]
    calls = [found for call in listed if (found := called(call))]
    legacy = mapping(fields.get("function_call"))
    return calls or ([tool_call("", legacy["name"], legacy.get("arguments"))] if "name" in legacy else [])


def _tell_calls(fields: dict[str, Any], losses: Losses) -> None:
    listed = parsed(fields.get("tool_calls"))
    if not is_empty(listed) and not (isinstance(listed, list) and all(map(called, listed))):
        losses.tell("no-tool-call", f"Expected a list of tool calls with a name each, got {shown(listed)}")


def _goes_on(item: Any, last: Message, new: Message) -> bool:
    """Whether an item of Responses is of the same turn of the assistant as what is before it."""
    return last["role"] == new["role"] == "assistant" and isinstance(item, dict) and _is_item(item)


def _joined(one: Message, other: Message) -> Message:
    parts = [*said_by(one["content"]).parts, *said_by(other["content"]).parts]
    joined = Message(role="assistant", content=Said(parts).content)
    if calls := [*one.get("tool_calls", []), *other.get("tool_calls", [])]:
        joined["tool_calls"] = calls
    if reasoning := [text for said in (one, other) if (text := said.get("reasoning_content"))]:
        joined["reasoning_content"] = "\n\n".join(reasoning)
    return joined


def _linked(messages: list[Message]) -> list[Message]:
    """The same, where a message named after a tool that was called, or a result without an id, gets the id of the call."""
    waiting = Waiting()
    for at, message in enumerate(messages):
        waiting.ask(at, message)
        name = message.get("name")
        if message["role"] == "user" and name and waiting.has(name):
            message["role"] = "tool"
            message["content"] = _flat(message["content"])
        if message["role"] == "tool" and (asked := waiting.answer(message)):
            message["tool_call_id"] = asked[1]["id"]
    return messages


def _flat(content: Any) -> str | list[Any]:
    return content if isinstance(content, (str, list)) else as_text(content)


def tool_output(value: Any) -> tuple[Any, str | None, str | None]:
    """What a tool gave, the id of the tool call that it answers, and its error, where a message of LangChain's tells them."""
    found = parsed(value)
    inner = parsed(found["output"]) if isinstance(found, dict) and found.keys() == {"output"} else found
    fields = unwrapped(inner) if isinstance(inner, dict) else {}
    if "tool_call_id" not in fields or "content" not in fields:
        return inner, None, None
    content = fields["content"]
    failed = as_text(content) if fields.get("status") == "error" else None
    return content, text_of(fields["tool_call_id"]), failed
