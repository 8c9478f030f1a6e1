"""Conversations in the shape of ShareGPT, as LLaMA-Factory, Hermes and others write them.

| row | trace |
|---|---|
| `{"conversations": [{"from", "value"}], "tools": JSON text, "system": text}` | one; each message of the model is a call |
| `{"conversations", "chosen", "rejected"}` | two of one problem, with the feedback `preferred` 1 and 0 |
| `{"conversations", "kto_tag"}`, or a boolean `label` | one, with the feedback `desirable` |

`messages` is read as `conversations` is, `role` as `from`, `content` as `value`. A tool is called by a message of its own
(`function_call`: a JSON object, or a list of them), or between `<tool_call>` tags in what the model says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from langdistill.records import Trace
from langdistill.stores.foreign.chat_traces import RATED, gold_keys, rated_traces
from langdistill.stores.foreign.chats import apart, read_tools
from langdistill.stores.foreign.documents import Document, documents, read_rows, rows
from langdistill.stores.foreign.expected import Unreadable, a_list, a_text, an_object
from langdistill.stores.foreign.made import Ids, filled, left_out
from langdistill.stores.foreign.parts import tools_in
from langdistill.stores.foreign.plain import loads
from langdistill.stores.importing import Unmapped

SOURCE = "sharegpt"
SPOKEN = ("conversations", "conversation", "messages")
ROLES = {
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bing", "bard", "model"), "assistant"),
    **dict.fromkeys(("function_call", "tool_call"), "call"),
    **dict.fromkeys(("observation", "tool", "tool_response", "function_response"), "tool"),
    "system": "system",
}
CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
RESULT = re.compile(r"<tool_response>(.*?)</tool_response>", re.DOTALL)
THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


def read(path: Path) -> Iterator[Trace | Unmapped]:
    """The conversations of a JSON list, of a file of JSON lines, or of such files in a folder."""
    return read_rows(documents(path), rows, partial(_row, ids=Ids(SOURCE)))


def _row(row: Document, ids: Ids) -> Iterator[Trace | Unmapped]:
    raw = an_object(row.value, "The row")
    named = next((key for key in SPOKEN if key in raw), None)
    if named is None:
        keys = ", ".join(sorted(raw))[:200]
        raise Unreadable(
            "no-messages", f"A row with the keys {keys or 'of an empty object'}; expected is one of {SPOKEN}."
        )
    gold = gold_keys(raw)
    identity = ids.of({key: value for key, value in raw.items() if key not in gold})  # nor may the id tell what is gold
    spoken, placed = _with_system(read_conversation(raw[named], named), raw)
    asked_with = {"tools": tools_in(read_tools(raw.get("tools")))}
    yield from rated_traces(row.where, identity, SOURCE, spoken, raw, read_conversation, asked_with=asked_with)
    yield from left_out(row.where, "no-place", filled(raw, named, "tools", "label", *placed, *RATED, *gold))
    yield from left_out(row.where, "gold", filled(raw, *set(raw) - gold))


def _with_system(spoken: list[Any], raw: dict[str, Any]) -> tuple[list[Any], set[str]]:
    """The messages after what the row says of the system, unless they say it themselves; and whether that was used."""
    system = a_text(raw.get("system"))
    if system is None or any(message["role"] == "system" for message in spoken):
        return spoken, set()
    return [{"role": "system", "content": system}, *spoken], {"system"}


def read_conversation(raw: Any, what: str) -> list[dict[str, Any]]:
    """The messages of a conversation in the shape of OpenAI: of a list of entries, of one entry, or of a text of the model.

    Raises:
        Unreadable: one is no entry of a conversation.
    """
    if isinstance(raw, str):
        return list(_said("assistant", raw))
    entries = [raw] if isinstance(raw, dict) else a_list(raw, what)
    messages: list[dict[str, Any]] = []
    for at, entry in enumerate(entries, 1):
        try:
            messages += _messages(an_object(entry, "An entry"))
        except Unreadable as error:
            raise Unreadable(error.reason, f"{what}, entry {at}: {error.detail}") from error
    return apart(messages)


def _messages(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of one entry: several where it holds the results of several tools."""
    role, content = (
        next((key for key in keys if key in entry), "") for keys in (("from", "role"), ("value", "content"))
    )
    if not role:
        raise Unreadable("no-role", f"It has the keys {', '.join(sorted(entry))[:200] or 'of an empty object'}.")
    named = entry[role]
    if not isinstance(named, str) or named not in ROLES:
        raise Unreadable("unknown-role", f"The role is {str(named)[:80]!r}; known are {', '.join(ROLES)}.")
    others = {key: value for key, value in entry.items() if key not in (role, content)}
    for message in _said(ROLES[named], entry.get(content)):
        yield {**others, **message}


def _said(role: str, value: Any) -> Iterator[dict[str, Any]]:
    if role == "call":
        yield _called(value)
    elif role == "assistant" and isinstance(value, str):
        yield _spoken(value)
    elif role == "tool" and isinstance(value, str) and RESULT.search(value) and not RESULT.sub("", value).strip():
        yield from ({"role": "tool", "content": found.strip()} for found in RESULT.findall(value))
    else:
        yield {"role": role, "content": value}


def _called(value: Any) -> dict[str, Any]:
    """A message that is a tool call, or a list of them, after thinking where there is some."""
    thought = THOUGHT.match(value) if isinstance(value, str) else None
    content, written = (thought[0], value[thought.end() :]) if thought else (None, value)
    calls = loads(written) if isinstance(written, str) else written
    return {"role": "assistant", "content": content, "tool_calls": calls if isinstance(calls, list) else [calls]}


def _spoken(text: str) -> dict[str, Any]:
    """What the model says, with the calls between its tags as tool calls; where one of them is none, all stay text."""
    try:
        calls = [an_object(loads(found), "A tool call") for found in CALL.findall(text)]
    except Unreadable:
        calls = []
    if not calls or not all(a_text(call.get("name")) for call in calls):
        return {"role": "assistant", "content": text}
    return {"role": "assistant", "content": CALL.sub("", text).strip() or None, "tool_calls": calls}
