"""Chat models that say what a script tells them to: as they are needed to test thinking graphs without a server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

Script = Callable[[list[BaseMessage], int], "str | AIMessage"]
"""From the conversation and the number of the reply, counted over the model's life, to the reply; it may raise."""


class OneReplyChatModel(BaseChatModel):
    """Says what `script` returns, one reply to a request; every word counts as a token, and streams as one."""

    script: Script = Field(exclude=True)
    with_tools: Script | None = Field(default=None, exclude=True)
    """What it says instead where tools are bound to it."""
    delay: float = 0.0
    """Seconds that a request takes."""
    model: str = "scripted"
    """What it is called in traces and ledgers."""

    _prompts: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def prompts(self) -> list[list[BaseMessage]]:
        """The conversations it was asked about, one per reply, in the order of asking."""
        return self._prompts

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Accept tools as a real model does; whether one is called is up to the script."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        time.sleep(self.delay)
        return self._result(messages, kwargs)

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        await asyncio.sleep(self.delay)
        return self._result(messages, kwargs)

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        yield from _words(self._generate(messages, **kwargs))

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _words(await self._agenerate(messages, **kwargs)):
            yield chunk

    def _result(self, messages: list[BaseMessage], params: dict[str, Any]) -> ChatResult:
        count = self._count(params)
        with self._lock:
            first = len(self._prompts)
            self._prompts += [messages] * count
        read = sum(len(one.text.split()) for one in messages)
        script = self.with_tools if self.with_tools and params.get("tools") else self.script
        replies = [_reply(script(messages, first + at), read) for at in range(count)]
        made = sum((reply.usage_metadata or {}).get("output_tokens", 0) for reply in replies)
        usage = {"prompt_tokens": read, "completion_tokens": made}
        generations = [ChatGeneration(message=one, generation_info={"finish_reason": "stop"}) for one in replies]
        return ChatResult(generations=generations, llm_output={"token_usage": usage, "model_name": self.model})

    def _count(self, params: dict[str, Any]) -> int:
        return 1


class ScriptedChatModel(OneReplyChatModel):
    """The same, where all n replies come from one request."""

    n: int = 1

    def _count(self, params: dict[str, Any]) -> int:
        return params.get("n") or self.n


def _reply(reply: str | AIMessage, read: int) -> AIMessage:
    message = AIMessage(reply) if isinstance(reply, str) else reply
    made = len(message.text.split())
    usage = UsageMetadata(input_tokens=read, output_tokens=made, total_tokens=read + made)
    return message.model_copy(update={"usage_metadata": message.usage_metadata or usage})


def _words(result: ChatResult) -> Iterator[ChatGenerationChunk]:
    """Word by word, the space before each with it; several replies interleaved, as servers stream them.

    Tool calls and usage come with the last piece.
    """
    messages = [one.message for one in result.generations]
    pieces = [
        [message.text.split(" ")[0], *(f" {word}" for word in message.text.split(" ")[1:])] for message in messages
    ]
    for together in zip_longest(*pieces):
        for piece in together:
            if piece is not None:
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    message = messages[0]
    assert isinstance(message, AIMessage)
    last = AIMessageChunk(
        content="",
        tool_calls=message.tool_calls,
        usage_metadata=message.usage_metadata,
        response_metadata={"finish_reason": "stop"},
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=last)
