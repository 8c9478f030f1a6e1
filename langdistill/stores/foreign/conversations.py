"""What goes into a model call and what comes out of it, whatever it is wrapped in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langdistill.records import Message, Reply, Usage
from langdistill.stores.foreign.losses import Losses, is_empty, shown
from langdistill.stores.foreign.messages import is_message, read_messages, unwrapped
from langdistill.stores.foreign.parts import tools_in
from langdistill.stores.foreign.values import as_text, first, mapping, parsed, sequence, text_of, usage_of

CONVERSATIONS = (
    "messages",
    "contents",
    "new_message",
    "input",
    "inputs",
    "prompts",
    "prompt",
    "args",
    "question",
    "query",
)
"""Keys of an input that hold a conversation, or a text of a user; the first that does counts."""
SYSTEM = ("system", "instructions", "system_instruction", "systemInstruction")
"""Keys beside it that hold what the system says."""
RESPONSES = ("choices", "generations", "candidates")
"""Keys of an output that hold the n replies of a call."""


@dataclass
class Conversation:
    """Messages, and the tools that were offered with them."""

    messages: list[Message] = field(default_factory=list[Message])
    tools: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def conversation(value: Any, losses: Losses) -> Conversation:
    """What was asked. A text is a user's; what holds no message is told, and gives none."""
    found = parsed(value)
    if is_empty(found):
        return Conversation()
    if isinstance(found, dict) and not is_message(found):
        inner = _wrapped(found, losses)
    elif isinstance(found, (dict, list)):
        inner = _listed(found, losses)
    else:
        inner = Conversation([{"role": "user", "content": as_text(value)}])
    if not inner.messages:
        losses.tell("no-messages", f"Expected a conversation, got {shown(value)}")
    return inner


def _wrapped(fields: dict[str, Any], losses: Losses) -> Conversation:
    config = mapping(fields.get("config"))
    key = next((key for key in CONVERSATIONS if not is_empty(fields.get(key))), None)
    told = parsed(fields[key]) if key else None
    inner = _inner(told, losses)
    system = first(fields, SYSTEM) or first(config, SYSTEM)
    if not is_empty(system) and inner.messages:
        said = read_messages({"role": "system"} | (system if isinstance(system, dict) else {"content": system}), losses)
        inner.messages = said + inner.messages
    inner.tools += tools_in(first(fields, ("tools", "functions")) or config.get("tools"))
    return inner


def _inner(told: Any, losses: Losses) -> Conversation:
    if isinstance(told, dict) and not is_message(told):
        return _wrapped(told, losses)
    return _listed(told, losses) if isinstance(told, (dict, list, str)) else Conversation()


def _listed(told: Any, losses: Losses) -> Conversation:
    items = told if isinstance(told, list) else [told]
    if items and all(isinstance(one, list) and not _is_pair(one) for one in items):
        if len(items) > 1:
            losses.tell("batch", f"A call was given {len(items)} conversations; a trace holds one, the first.")
        items = sequence(items[0])
    offers = [tool for one in items if (tool := _offer(one))]
    return Conversation(read_messages([one for one in items if not _offer(one)], losses), tools_in(offers))


def _is_pair(item: list[Any]) -> bool:
    return len(item) == 2 and all(isinstance(one, str) for one in item)


def _offer(item: Any) -> dict[str, Any] | None:
    """The schema of a tool where it stands among the messages as one of a tool, as some recorders write it."""
    content = mapping(mapping(item).get("content"))
    return content if content.get("type") == "function" and isinstance(content.get("function"), dict) else None


def replies(value: Any, losses: Losses) -> list[Reply]:
    """All n replies of a call. A text, or an object that holds no message, is what the assistant said."""
    found = parsed(value)
    if is_empty(found):
        return []
    if isinstance(found, dict):
        return _replies_of(found, losses)
    if isinstance(found, list) and any(is_message(one) or isinstance(one, list) for one in found):
        return _spoken(found, losses)
    return [Reply(message={"role": "assistant", "content": as_text(value)})]


def _replies_of(fields: dict[str, Any], losses: Losses) -> list[Reply]:
    key = next((key for key in RESPONSES if isinstance(fields.get(key), list) and fields[key]), None)
    if key:
        return [reply for one in _flat(fields[key]) for reply in choice_of(one, losses)]
    if is_message(fields) or _is_candidate(fields):
        return choice_of(fields, losses)
    for key in ("output", "outputs", "messages", "message", "content", "text"):
        inner = parsed(fields.get(key))
        if isinstance(inner, dict) and not is_message(inner) and key.startswith("output"):
            return _replies_of(inner, losses)
        if isinstance(inner, (dict, list, str)) and inner:
            return _spoken(inner, losses)
    return [Reply(message={"role": "assistant", "content": as_text(fields)})]


def _flat(listed: list[Any]) -> list[Any]:
    """LangChain lists the replies to each of its prompts; a call has one prompt."""
    return [one for inner in listed for one in (inner if isinstance(inner, list) else [inner])]


def _is_candidate(fields: dict[str, Any]) -> bool:
    content = mapping(fields.get("content"))
    return "parts" in content or (is_message(content) and "role" in content)


def choice_of(choice: Any, losses: Losses) -> list[Reply]:
    """A choice of OpenAI's, a generation of LangChain's, a candidate of Gemini's, or a message by itself."""
    fields = mapping(choice)
    said = first(fields, ("message", "delta")) or (fields.get("content") if _is_candidate(fields) else None)
    if said is None:
        said = fields if is_message(fields) else first(fields, ("text", "content"))
    info = mapping(first(fields, ("generation_info", "generationInfo")))
    inner = unwrapped(said) if isinstance(said, dict) else {}
    places = (fields, info, inner, mapping(inner.get("response_metadata")))
    keys = ("finish_reason", "finishReason", "stop_reason", "done_reason")
    finish = next((text for place in places if (text := text_of(first(place, keys)))), None)
    logprobs = next((log for place in places if (log := _logprobs(place.get("logprobs")))), None)
    if said is None and not fields.get("message"):
        losses.tell("no-message", f"Expected a reply, got {shown(choice)}")
        return []
    return [one.model_copy(update={"finish_reason": finish, "logprobs": logprobs}) for one in _spoken(said, losses)]


def _logprobs(value: Any) -> list[Any] | None:
    return sequence(mapping(value).get("content")) or (value if isinstance(value, list) and value else None)


def _spoken(said: Any, losses: Losses) -> list[Reply]:
    """A message of the assistant as a reply; of a list, each, but items of Responses are one together."""
    if isinstance(said, str):
        return [Reply(message={"role": "assistant", "content": said})]
    items = _flat(said) if isinstance(said, list) else [said]
    if not any(is_message(one) for one in items):
        items = [{"role": "assistant", "content": items}]
    elif len(items) > 1 and all("finish_reason" in mapping(one) for one in items):
        return [reply for one in items for reply in choice_of(one, losses)]
    items = [{"role": "assistant"} | one if isinstance(one, dict) and not is_message(one) else one for one in items]
    found = read_messages(items, losses)
    spoken = [one for one in found if one["role"] == "assistant"]
    if len(spoken) < len(found):
        losses.tell("no-reply", f"{len(found) - len(spoken)} messages of an output are not the assistant's.")
    return [Reply(message=one) for one in spoken]


def usage_in(value: Any) -> Usage:
    """Tokens as an output tells them; those of several replies together where no sum is told."""
    fields = mapping(parsed(value))
    metadata = mapping(fields.get("response_metadata"))
    llm = mapping(first(fields, ("llm_output", "llmOutput")))
    total = usage_of(
        first(llm, ("token_usage", "tokenUsage", "estimatedTokenUsage")),
        first(fields, ("usage_metadata", "usageMetadata", "usage")),
        first(metadata, ("token_usage", "tokenUsage", "usage")),
    )
    messages = [unwrapped(mapping(mapping(one).get("message"))) for one in _flat(sequence(fields.get("generations")))]
    each = [usage_of(first(mapping(one), ("usage_metadata", "usage"))) for one in messages]
    if not each:
        return total
    output = total.output_tokens or sum(one.output_tokens for one in each)
    reasoning = total.reasoning_tokens or sum(one.reasoning_tokens for one in each)
    return Usage(
        input_tokens=total.input_tokens or each[0].input_tokens,
        output_tokens=output,
        cached_tokens=total.cached_tokens or each[0].cached_tokens,
        reasoning_tokens=reasoning,
    )


def said_at_the_end(value: Any, given: list[Message], losses: Losses) -> list[Message]:
    """The messages that a root ended with, without those that it was given."""
    found = parsed(value)
    found = found["outputs"] if isinstance(found, dict) and isinstance(found.get("outputs"), dict) else found
    listed = found.get("messages") if isinstance(found, dict) and not is_message(found) else found
    items = _flat(listed) if isinstance(listed, list) else [listed]
    if not (items and all(map(is_message, items))):
        return [one.message for one in replies(value, losses)]
    said = read_messages(items, losses)
    goes_on = [_said(one) for one in said[: len(given)]] == [_said(one) for one in given]
    return said[len(given) :] if goes_on else said


def _said(message: Message) -> tuple[str, Any]:
    return message["role"], message["content"]
