"""What the chat models of local weights share: how they are sampled, and how a whole reply becomes messages and streams."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, ClassVar, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall, convert_to_openai_messages
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from langdistill.records import digest

T = TypeVar("T")


@dataclass(frozen=True)
class Said:
    """One reply, in text."""

    text: str
    tokens: int
    """Generated, the end token included."""
    finish_reason: str
    logprobs: list[dict[str, Any]] | None = None
    """Per token, in OpenAI's shape; `None` where they were not asked for."""
    tool_calls: list[ToolCall] = field(default_factory=list)


class SampledChatModel(BaseChatModel):
    """A chat model of a local causal language model in Hugging Face format, with or without a PEFT adapter.

    The sampling fields may be given per call as well: ``model.invoke(question, temperature=0.7, seed=1)``.
    """

    knobs: ClassVar[tuple[str, ...]] = ("temperature", "max_tokens", "n", "seed", "stop", "logprobs", "top_logprobs")
    """Fields that a call may give anew."""

    model: str
    """Folder of the model."""
    adapter: str | None = None
    """Folder of a PEFT adapter of that model."""
    temperature: float = 0.0
    """0 decodes greedily."""
    n: int = Field(default=1, ge=1)
    """Replies to one request; all are in the result, as with ChatOpenAI."""
    stop: list[str] | None = None
    """Texts that a reply is cut before."""
    logprobs: bool = False
    """Tell the log-probability of every token in `response_metadata["logprobs"]`, in OpenAI's shape."""
    top_logprobs: int | None = None
    """How many alternatives to tell per token."""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "adapter": self.adapter, **{knob: getattr(self, knob) for knob in self.knobs}}

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        told = super()._get_llm_string(stop, **kwargs)
        return f"{told} {stamp}" if (stamp := self._weights_stamp()) else told

    def _weights_stamp(self) -> str | None:
        """What changes with the files of the weights: other weights may come to the same place, and a cache must not know them."""
        folder = Path(self.adapter or self.model)
        if not folder.is_dir():
            return None
        stats = [(path.name, path.stat()) for path in sorted(folder.glob("*.safetensors"))]
        return digest([[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats])

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        told = {**self._identifying_params, **kwargs}
        params = LangSmithParams(
            ls_provider="langdistill",
            ls_model_name=kwargs.get("model") or self.adapter or self.model,
            ls_model_type="chat",
            ls_temperature=told["temperature"],
        )
        if told["max_tokens"] is not None:
            params["ls_max_tokens"] = told["max_tokens"]
        if stop or self.stop:
            params["ls_stop"] = stop or self.stop
        return params

    def _settings(self, given: dict[str, Any], stop: list[str] | None) -> dict[str, Any]:
        """The sampling fields, the call's own on top; `top_logprobs` is `None` where no log-probabilities are wanted."""
        own = {knob: getattr(self, knob) for knob in self.knobs}
        settings = own | {key: value for key, value in given.items() if key in own and value is not None}
        wanted = settings["logprobs"] or settings["top_logprobs"]
        settings["top_logprobs"] = int(settings["top_logprobs"] or 0) if wanted else None
        settings["stop"] = tuple(stop or settings["stop"] or ())
        return settings

    @abstractmethod
    def _asked(
        self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> tuple[Future[Any], Callable[[Any], ChatResult]]:
        """A request on its way, and what makes a result of its answer.

        Args:
            messages: to reply to.
            stop: of the call.
            given: what else the call gives.
        """

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer, told = self._asked(messages, stop, kwargs)
        return told(wait(answer))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # The first request loads weights or starts a process, and each looks at files: LangGraph's server forbids that on its loop.
        answer, told = await asyncio.to_thread(self._asked, messages, stop, kwargs)
        return told(await asyncio.wrap_future(answer))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        result = self._generate(messages, stop, run_manager, **{**kwargs, "n": 1})
        for chunk in _chunks(result):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        result = await self._agenerate(messages, stop, run_manager, **{**kwargs, "n": 1})  # type: ignore[arg-type]
        for chunk in _chunks(result):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _result(self, read: int, replies: Sequence[Said]) -> ChatResult:
        """All replies to a prompt of `read` tokens."""
        made = sum(reply.tokens for reply in replies)
        usage = {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}
        return ChatResult(
            generations=[self._generation(read, reply) for reply in replies],
            llm_output={"token_usage": usage, "model_name": self.adapter or self.model},
        )

    def _generation(self, read: int, reply: Said) -> ChatGeneration:
        told: dict[str, Any] = {
            "finish_reason": reply.finish_reason,
            "model_name": self.adapter or self.model,
            "model_provider": "langdistill",
        }
        if reply.logprobs is not None:
            told["logprobs"] = {"content": reply.logprobs}
        message = AIMessage(
            reply.text,
            tool_calls=reply.tool_calls,
            response_metadata=told,
            usage_metadata={
                "input_tokens": read,
                "output_tokens": reply.tokens,
                "total_tokens": read + reply.tokens,
            },
        )
        return ChatGeneration(message=message, generation_info={"finish_reason": told["finish_reason"]})


def _chunks(result: ChatResult) -> Iterator[ChatGenerationChunk]:
    """The reply in pieces of whole characters; the last, empty one carries tool calls, usage and reason.

    The reply is decoded whole before its first piece: it shares its batch with others, and what reads it here is mostly a graph.
    """
    message = result.generations[0].message
    for piece in _pieces(message.text):
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    assert isinstance(message, AIMessage)
    last = AIMessageChunk(
        content="",
        tool_call_chunks=[
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=at)
            for at, call in enumerate(message.tool_calls)
        ],
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=last)


def roles(messages: list[BaseMessage]) -> list[dict[str, Any]]:
    """Messages in the shape that chat templates read; text only."""
    return convert_to_openai_messages(messages, text_format="string")  # type: ignore[return-value]


def wait(future: Future[T]) -> T:
    """The result; the main thread waits in short turns, so that Ctrl-C gets through."""
    if current_thread() is not main_thread():  # hundreds of threads waking up in turns would leave no time for the work
        return future.result()
    while True:
        try:
            return future.result(timeout=0.2)
        except NotYet:
            if future.done():
                raise


def _pieces(text: str) -> Iterator[str]:
    """Words with the space after them."""
    start = 0
    for at, character in enumerate(text):
        if character.isspace() and at > start:
            yield text[start : at + 1]
            start = at + 1
    if start < len(text):
        yield text[start:]
