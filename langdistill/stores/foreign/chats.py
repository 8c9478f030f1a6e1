"""Chats that other programs wrote, in the shape of ours: messages, the calls that made them, and the tools that ran."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langdistill.records import Call, Message, Reply, ToolRun
from langdistill.stores.foreign.expected import Unreadable, a_list, a_text, an_object, kind
from langdistill.stores.foreign.linking import Waiting
from langdistill.stores.foreign.made import filled
from langdistill.stores.foreign.plain import loads

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
PLACED = ("role", "content", "name", "tool_calls", "tool_call_id", "function_call", "reasoning_content", "reasoning")


def read_chat(raw: Any, what: str = "messages") -> list[Message]:
    """The messages of a chat. A tool's result without an id gets that of the call it answers.

    Raises:
        Unreadable: there is none, or one is no chat message.
    """
    entries = a_list(raw, what)
    if not entries:
        raise Unreadable("no-messages", f"{what} is an empty list.")
    messages: list[Message] = []
    for at, entry in enumerate(entries):
        try:
            messages.append(read_message(entry, f"{what}-{at}"))
        except Unreadable as error:
            raise Unreadable(error.reason, f"{what}, message {at + 1}: {error.detail}") from error
    for at, (_, call) in answered(messages).items():
        if call and call["id"]:
            messages[at]["tool_call_id"] = call["id"]
    return messages


def apart(spoken: Sequence[Any]) -> list[Any]:
    """The messages as they were parsed, where one holds the results of several tools as a JSON list: each in one of its own.

    LLaMA-Factory's data have such ones. A list is taken apart only where it names the tools that were called just before it.
    """
    found: list[Any] = []
    for before, entry in zip([None, *spoken], spoken, strict=False):
        results = _results(entry)
        found += results if len(results) > 1 and [one["name"] for one in results] == _called(before) else [entry]
    return found


def _results(entry: Any) -> list[dict[str, Any]]:
    """The results that a tool's message without an id lists; their ids are left out, for the calls have none of them."""
    try:
        message = read_message(entry)
        content = message["content"] if message["role"] == "tool" and "tool_call_id" not in message else None
        listed = a_list(loads(content), "The results") if isinstance(content, str) else []
        results = [an_object(one, "A result") for one in listed]
    except Unreadable:
        return []
    if not all(one.keys() <= {"tool_call_id", "name", "content"} and a_text(one.get("name")) for one in results):
        return []
    return [{"role": "tool", "name": one["name"], "content": _as_text(one.get("content"))} for one in results]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _called(entry: Any) -> list[str]:
    try:
        return [call["function"]["name"] for call in read_message(entry).get("tool_calls", [])]
    except Unreadable:
        return []


def read_message(raw: Any, name: str = "call") -> Message:
    """One chat message in the shape of OpenAI, old or new, or with parts that hold their text as `value`.

    Args:
        raw: what was parsed.
        name: the stem of ids for tool calls that have none.

    Raises:
        Unreadable: it is no chat message.
    """
    entry = an_object(raw, "A message")
    role = entry.get("role")
    if role is None:
        raise Unreadable("no-role", f"It has the keys {', '.join(sorted(entry))[:200] or 'of an empty object'}.")
    if not isinstance(role, str) or role not in ROLES:
        raise Unreadable("unknown-role", f"The role is {str(role)[:80]!r}; known are {', '.join(ROLES)}.")
    content, reasoning, written = _content(entry.get("content"))
    message: dict[str, Any] = {"role": ROLES[role], "content": content}
    if role == "assistant":
        if calls := _tool_calls(entry, written, name):
            message["tool_calls"] = calls
        if reasoning := reasoning or a_text(entry.get("reasoning_content")) or a_text(entry.get("reasoning")):
            message["reasoning_content"] = reasoning
    for key in ("name", "tool_call_id"):
        if text := a_text(entry.get(key)):
            message[key] = text
    return message  # type: ignore[return-value]


def without_place(raw: Sequence[Any], *known: str) -> set[str]:
    """Keys of foreign messages that a message here has no place for."""
    return {f"{key} of a message" for entry in raw if isinstance(entry, dict) for key in filled(entry, *PLACED, *known)}


def _content(raw: Any) -> tuple[str | list[Any] | None, str | None, list[Any]]:
    """Content, reasoning and tool calls; the last two only where they are parts of the content."""
    if raw is None or isinstance(raw, str):
        return raw, None, []
    if not isinstance(raw, list):
        raise Unreadable("wrong-type", f"The content is {kind(raw)}, and a text or a list of parts was expected.")
    for part in raw:
        if not isinstance(part, (str, dict)):
            raise Unreadable("wrong-type", f"A part of the content is {kind(part)}, and an object was expected.")
    said = {kind: [part for part in raw if _part(part) == kind] for kind in ("text", "reasoning", "tool_call")}
    plain = [_words(part) for part in said["text"]]
    rest = [part for part in raw if part not in said["reasoning"] and part not in said["tool_call"]]
    whole = len(plain) == len(rest) and all(isinstance(text, str) for text in plain)
    reasoning = "\n".join(text for part in said["reasoning"] if isinstance(text := _words(part), str))
    calls = [_words(part) for part in said["tool_call"]]
    return ("".join(plain) if whole else rest), reasoning or None, calls  # type: ignore[arg-type]


def _part(part: Any) -> str:
    """The kind of a part, where it is one that this module takes apart."""
    if isinstance(part, str):
        return "text"
    known = part.get("type") if isinstance(part.get("type"), str) else ""
    return known if isinstance(_words(part), (str, dict)) else ""


def _words(part: Any) -> Any:
    if isinstance(part, str):
        return part
    return next((part[key] for key in ("text", "value", "reasoning") if key in part), None)


def _tool_calls(entry: dict[str, Any], written: list[Any], name: str) -> list[dict[str, Any]]:
    raw = [] if entry.get("tool_calls") is None else [*a_list(entry["tool_calls"], "tool_calls")]
    if entry.get("function_call") is not None:
        raw.append({"function": an_object(entry["function_call"], "function_call")})
    for text in written:
        raw.append({"function": an_object(loads(text) if isinstance(text, str) else text, "A tool call")})
    return [read_tool_call(one, f"{name}-{at}") for at, one in enumerate(raw)]


def read_tool_call(raw: Any, fallback: str) -> dict[str, Any]:
    """One tool call in the shape of OpenAI; `{"id", "function": name, "arguments"}` is read too.

    Raises:
        Unreadable: it names no tool.
    """
    entry = an_object(raw, "A tool call")
    function = entry.get("function", entry)
    function = entry | {"name": function} if isinstance(function, str) else an_object(function, "The function")
    name = a_text(function.get("name"))
    if name is None:
        raise Unreadable("no-tool-name", "A tool call names no tool.")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = _as_text({} if arguments is None else arguments)
    return {
        "id": a_text(entry.get("id")) or fallback,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def read_tools(raw: Any) -> list[dict[str, Any]]:
    """Schemas of tools on offer, from a list or the JSON text of one.

    Raises:
        Unreadable: it is neither.
    """
    if raw is None or raw == "":
        return []
    tools = a_list(loads(raw) if isinstance(raw, str) else raw, "tools")
    return [an_object(tool, "A tool") for tool in tools]


def arguments_of(call: dict[str, Any]) -> Any:
    """The arguments of a tool call, parsed; a text that is no JSON stays as it is."""
    text = call["function"]["arguments"]
    try:
        return loads(text)
    except Unreadable:
        return text


def answered(messages: Sequence[Message]) -> dict[int, tuple[int | None, dict[str, Any] | None]]:
    """Index of each tool's result to the index of the message that asked for it, and the call; `None` where none did."""
    waiting = Waiting()
    found: dict[int, tuple[int | None, dict[str, Any] | None]] = {}
    for at, message in enumerate(messages):
        waiting.ask(at, message)
        if message["role"] == "tool":
            found[at] = waiting.answer(message) or (None, None)
    return found


def calls_of(messages: Sequence[Message], trace: str, start: int = 0, **fields: Any) -> dict[int, Call]:
    """A call for every message of the model from `start` on, by the index of the message; its prompt stood before it."""
    return {
        at: Call(id=f"{trace}-{at}", prompt=list(messages[:at]), replies=[Reply(message=message)], **fields)
        for at, message in enumerate(messages)
        if message["role"] == "assistant" and at >= start
    }


def tool_runs_of(messages: Sequence[Message], trace: str, calls: Sequence[int]) -> tuple[list[ToolRun], int]:
    """The tools that ran, and how many results there are that no call asked for.

    Args:
        messages: the chat.
        trace: id of the trace.
        calls: the index of the message that each call of the trace made.
    """
    runs: list[ToolRun] = []
    unasked = 0
    for at, (asker, call) in answered(messages).items():
        if call is None:
            unasked += 1
            continue
        runs.append(
            ToolRun(
                id=f"{trace}-tool-{at}",
                name=call["function"]["name"],
                call=calls.index(asker) if asker in calls else None,
                tool_call_id=call["id"],
                arguments=arguments_of(call),
                output=messages[at]["content"],
            )
        )
    return runs, unasked


def split(messages: Sequence[Message]) -> tuple[list[Message], int, list[Message], list[Message]]:
    """A chat as input, how much of that is earlier turns, output, and what nobody answered.

    The input ends with the last message before the last reply that is no model's and no tool's.
    """
    said = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    last = said[-1] + 1 if said else 0
    asked = [at for at, message in enumerate(messages[:last]) if message["role"] in ("user", "system")]
    start = asked[-1] + 1 if asked else 0
    earlier = start - 1 if said and said[0] < start - 1 else 0
    return list(messages[:start]), earlier, list(messages[start:last]), list(messages[last:])
