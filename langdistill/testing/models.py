"""A chat model that says what a script tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

Script = Callable[[list[BaseMessage], int], "str | AIMessage"]
"""From the conversation and the number of the reply, counted over the model's life, to the reply."""


class ScriptedChatModel(BaseChatModel):
    """Says what `script` returns; all n replies come from one request, and every word counts as a token."""

    script: Script = Field(exclude=True)
    n: int = 1

    _next: int = PrivateAttr(default=0)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Accept tools as a real model does; whether one is called is up to the script."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        count = kwargs.get("n") or self.n
        with self._lock:
            first, self._next = self._next, self._next + count
        replies = [_message(self.script(messages, first + at)) for at in range(count)]
        tokens = {
            "prompt_tokens": sum(len(one.text.split()) for one in messages),
            "completion_tokens": sum(len(one.text.split()) for one in replies),
        }
        info = {"finish_reason": "stop"}
        generations = [ChatGeneration(message=one, generation_info=dict(info)) for one in replies]
        return ChatResult(generations=generations, llm_output={"token_usage": tokens, "model_name": "scripted"})


def _message(reply: str | AIMessage) -> AIMessage:
    return AIMessage(reply) if isinstance(reply, str) else reply
