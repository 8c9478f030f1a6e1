"""A chat model that says what a scenario needs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

NAME = "says"


class Says(BaseChatModel):
    """Its replies in turn, the last one for ever.

    A reply is a text, a message, an error, a list of n replies, or a function of the prompt that gives one of these. A
    streamed text comes word by word; `breaks` raises after the last word.
    """

    replies: list[Any]
    delay: float = 0.0
    """Seconds before a reply, and between the words of a streamed one."""
    breaks: Any = None
    blocks: bool = False
    """Whether it streams blocks of content instead of texts."""

    _asked: int = PrivateAttr(default=0)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, *replies: Any, **knobs: Any) -> None:
        super().__init__(**{"replies": list(replies), **knobs})

    @property
    def asked(self) -> int:
        """How often it was asked."""
        return self._asked

    @property
    def _llm_type(self) -> str:
        return NAME

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {"ls_provider": NAME, "ls_model_type": "chat", "ls_model_name": NAME}

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _next(self, messages: list[BaseMessage]) -> list[AIMessage]:
        with self._lock:
            reply = self.replies[min(self._asked, len(self.replies) - 1)]
            self._asked += 1
        if callable(reply):
            reply = reply(messages)
        if isinstance(reply, BaseException):
            raise reply
        several = reply if isinstance(reply, list) else [reply]
        return [one.model_copy() if isinstance(one, AIMessage) else AIMessage(one) for one in several]

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        time.sleep(self.delay)
        return ChatResult(generations=[ChatGeneration(message=one) for one in self._next(messages)])

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        replies = self._next(messages)
        await asyncio.sleep(self.delay)
        return ChatResult(generations=[ChatGeneration(message=one) for one in replies])

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            yield chunk
            time.sleep(self.delay)

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            yield chunk
            await asyncio.sleep(self.delay)

    def _chunks(self, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        [message] = self._next(messages)
        first, *others = message.text.split(" ")
        for word in (first, *(f" {one}" for one in others)):
            block: Any = [{"type": "text", "text": word, "index": 0}]
            yield ChatGenerationChunk(message=AIMessageChunk(block if self.blocks else word))
        if self.breaks:
            raise self.breaks
        yield ChatGenerationChunk(
            message=AIMessageChunk("", tool_calls=message.tool_calls, chunk_position="last"),
            generation_info={"finish_reason": "stop"},
        )


def asks(name: str, id: str = "t0", /, **arguments: Any) -> AIMessage:
    """A reply that asks for one tool."""
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": id}])
