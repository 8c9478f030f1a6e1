"""Conversations as the tokens that a head reads: the same in training and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_openai_messages

from langdistill.datasets.formats.conversational import chat
from langdistill.datasets.formats.unfit import Unfit
from langdistill.datasets.printed import check_printed
from langdistill.errors import StudentError
from langdistill.records import Message

Conversation = str | Sequence[BaseMessage | Message | tuple[str, str]]
"""One message, or several: LangChain's, dicts in OpenAI's shape, or pairs of role and text."""


def messages_of(conversation: Conversation, role: str = "user") -> list[Message]:
    """The messages as chat templates read them.

    Args:
        conversation: one message or several.
        role: whose a text is.

    Raises:
        StudentError: they hold images and the like, or are no messages.
    """
    if isinstance(conversation, str):
        return [{"role": role, "content": conversation}]  # type: ignore[typeddict-item]
    told: Any = list(conversation)
    try:
        return chat(convert_to_openai_messages(told))  # type: ignore[arg-type]
    except (Unfit, ValueError) as error:
        raise StudentError(f"These are no messages of text: {error}. Give a text, or messages of text.") from error


def read_tokens(
    tokenizer: Any, messages: Sequence[Message], tools: Sequence[Any] | None = None, *, ask: bool = False
) -> list[int]:
    """The tokens of a conversation by the tokenizer's chat template, which must print all that the messages say.

    Args:
        tokenizer: of transformers.
        messages: the conversation.
        tools: that were offered in it.
        ask: end with what comes before a reply.

    Raises:
        Unfit: "template-refuses" the messages, or loses some of what they say.
    """
    try:
        found = tokenizer.apply_chat_template(
            list(messages), tools=tools or None, add_generation_prompt=ask, tokenize=True, return_dict=True
        )
    except Exception as error:  # a template may raise anything
        raise Unfit("template-refuses") from error
    text = tokenizer.decode(found["input_ids"], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    if any(tool.get("function", tool).get("name", "") not in text for tool in tools or ()):
        raise Unfit("template-loses-tools")
    check_printed(text, messages)
    return list(found["input_ids"])
