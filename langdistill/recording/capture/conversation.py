"""What a root was given and what it ended with, as messages: graphs wrap them in their state, chains in anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from langgraph.types import Command

from langdistill.recording.capture.encoding import encode
from langdistill.records import Message

Said = BaseMessage | Message
Role = str


def given_in(inputs: Any) -> tuple[list[Said], Any]:
    """The messages of a root's input, and what it resumes with."""
    if isinstance(inputs, Command):
        return messages_in(inputs.update, "user"), inputs.resume
    return messages_in(inputs, "user"), None


def conversation_of(state: Any) -> list[Said]:
    """The conversation that a graph's state holds, where it holds one."""
    messages = _wrapped(state)
    return messages_in(messages, "user") if isinstance(messages, list) else []


def ended_with(output: Any) -> tuple[list[Said], bool]:
    """The messages of a root's output, and whether they are the whole conversation of a graph's state."""
    messages = _wrapped(output)
    if messages is not None:
        return messages_in(messages, "assistant"), True
    if isinstance(output, Mapping) and "__interrupt__" in output:
        return [], False  # the state at which it stopped is no answer
    answer = output.get("answer") if isinstance(output, Mapping) else None
    return messages_in(answer if isinstance(answer, str) else output, "assistant"), False


def messages_in(value: Any, role: Role) -> list[Said]:
    """The messages that a value holds. A text is one message of `role`; other data are one that holds their JSON."""
    if isinstance(value, BaseMessage):
        return [value]
    if isinstance(value, PromptValue):
        return list(value.to_messages())
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(text := next(iter(value.values())), str):
        value = text  # the one variable of a prompt
    if value is None or (isinstance(value, (str, Mapping, Sequence)) and not value):
        return []
    if isinstance(value, str):
        return [cast(Message, {"role": role, "content": value})]
    if (wrapped := _wrapped(value)) is not None:
        return messages_in(wrapped, role)
    messages = _listed(value)
    return messages if messages is not None else [cast(Message, {"role": role, "content": encode(value).decode()})]


def _wrapped(value: Any) -> Any:
    """The `messages` of a state, be it a dict or an object; some objects have every attribute, others raise."""
    if isinstance(value, Mapping):
        return value.get("messages")
    try:
        messages = getattr(value, "messages", None)
    except Exception:
        return None
    return messages if isinstance(messages, (list, tuple, str, BaseMessage)) else None


def _listed(value: Any) -> list[Said] | None:
    """A list of what LangChain takes for messages: objects, dicts, pairs of role and text; `None` for any other."""
    if isinstance(value, Mapping) and "role" in value and "content" in value:
        value = [value]
    if not isinstance(value, (list, tuple)):
        return None
    if all(isinstance(one, BaseMessage) for one in cast(list[Any], value)):
        return list(cast(list[BaseMessage], value))
    try:
        return list(convert_to_messages(value))
    except Exception:  # a list of other things
        return None
