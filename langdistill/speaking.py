"""Let the tokens of a strategy's answer into LangGraph's `messages` stream as they come, and nothing of its thinking.

A reply that reasons before it answers cannot be shown token by token as it is. The model is asked as always, hidden from the
stream; beside it, what the user may already read of the reply is said by a chat model of its own, to the listeners that
stream messages and to nobody else: traces and token counts know of one call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import PrivateAttr

from langdistill.asking import Heard

SPOKEN = "langdistill_spoken"
"""Key under which a reply carries the id of what was said of it, on its way to the node."""


class Aloud(BaseChatModel):
    """Says what may be heard of another model's reply while it comes; keeps the whole reply."""

    cache: Any = False
    """A process-wide cache of replies is the inner model's business."""

    inner: Any
    inner_config: Any
    heard: Any

    _whole: Any = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "langdistill-aloud"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self._whole = self.inner.invoke(messages, self.inner_config, **_params(kwargs))
        said = AIMessage(self.heard(self._whole.text))
        return ChatResult(generations=[ChatGeneration(message=said)])

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        said = ""
        for chunk in self.inner.stream(messages, self.inner_config, **_params(kwargs)):
            said, new = self._take(chunk, said)
            if new:
                yield _chunk(new)
        if not said:  # a stream of nothing would be an error
            yield _chunk("")

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        said = ""
        async for chunk in self.inner.astream(messages, self.inner_config, **_params(kwargs)):
            said, new = self._take(chunk, said)
            if new:
                yield _chunk(new)
        if not said:
            yield _chunk("")

    def _take(self, chunk: Any, said: str) -> tuple[str, str]:
        """Add a chunk to the whole; what may be heard of it now, and what is new of that."""
        self._whole = chunk if self._whole is None else self._whole + chunk
        may = self.heard(self._whole.text)
        return may, may[len(said) :]

    def reply(self, said: BaseMessage) -> AIMessage:
        """The whole reply, marked with the id of what was said: the stream is to show one message, not two."""
        whole: Any = self._whole
        message = whole if not isinstance(whole, AIMessageChunk) else _message(whole)
        mark = {SPOKEN: said.id} if said.text else {}
        return message.model_copy(update={"additional_kwargs": {**message.additional_kwargs, **mark}})


def aloud(
    model: Runnable[Any, Any], heard: Heard, config: RunnableConfig, hidden: RunnableConfig
) -> tuple[Aloud, RunnableConfig] | None:
    """The model that says it and the config to run it with; `None` where nobody streams messages."""
    callbacks = config.get("callbacks")
    if not isinstance(callbacks, BaseCallbackManager):
        return None
    listeners = [one for one in callbacks.handlers if _streams_messages(one)]
    if not listeners:
        return None
    manager = callbacks.copy()
    manager.set_handlers(listeners)
    return Aloud(inner=model, inner_config=hidden, heard=heard), {**config, "callbacks": manager}


def _streams_messages(handler: BaseCallbackHandler) -> bool:
    """Whether it is LangGraph's own listener; LangChain's event stream taps outputs too, and hears the model itself."""
    return hasattr(handler, "tap_output_iter") and type(handler).__module__.startswith("langgraph.")


def _params(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kwargs.items() if key != "run_manager" and value is not None}


def _chunk(text: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text))


def _message(chunk: AIMessageChunk) -> AIMessage:
    kept: Sequence[str] = ("content", "additional_kwargs", "response_metadata", "tool_calls", "invalid_tool_calls",
                           "usage_metadata", "name")  # fmt: skip
    return AIMessage(**{key: getattr(chunk, key) for key in kept})
