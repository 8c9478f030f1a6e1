"""A local model, with or without an adapter, as a LangChain chat model that runs in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from threading import current_thread, main_thread
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from langdistill.errors import StudentError
from langdistill.jobs import sample_path
from langdistill.students.decoding import Decoded, Decoder, Request, decoder_of

KNOBS = ("temperature", "max_tokens", "n", "seed", "stop", "logprobs", "top_logprobs")


class LocalChatModel(BaseChatModel):
    """Any local causal language model in Hugging Face format, and a PEFT adapter, as a chat model.

    Requests that come together are decoded together, and equal requests get equal replies whatever they come with. The
    sampling fields may be given per call as well: ``model.invoke(question, temperature=0.7, seed=1)``.
    """

    model: str
    """Folder of the model."""
    adapter: str | None = None
    """Folder of a PEFT adapter of that model."""
    temperature: float = 0.0
    """0 decodes greedily."""
    max_tokens: int = Field(default=128, ge=1)
    """Most tokens of one reply, the end token included."""
    n: int = Field(default=1, ge=1)
    """Replies to one request; all are in the result, as with ChatOpenAI."""
    seed: int = 0
    """Of the sampling; a seed, a prompt and a sample index give one reply."""
    stop: list[str] | None = None
    """Texts that a reply is cut before."""
    logprobs: bool = False
    """Tell the log-probability of every token in `response_metadata["logprobs"]`, in OpenAI's shape."""
    top_logprobs: int | None = None
    """How many alternatives to tell per token."""

    @property
    def _llm_type(self) -> str:
        return "langdistill-local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "adapter": self.adapter, **{knob: getattr(self, knob) for knob in KNOBS}}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        told = {**self._identifying_params, **kwargs}
        params = LangSmithParams(
            ls_provider="langdistill",
            ls_model_name=kwargs.get("model") or self.adapter or self.model,
            ls_model_type="chat",
            ls_temperature=told["temperature"],
            ls_max_tokens=told["max_tokens"],
        )
        if stop or self.stop:
            params["ls_stop"] = stop or self.stop
        return params

    @property
    def decoder(self) -> Decoder:
        """The loaded weights.

        Raises:
            MissingExtra: torch or transformers is not installed.
            StudentError: they cannot be loaded.
        """
        return decoder_of(self.model, self.adapter)

    def _request(
        self, decoder: Decoder, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> Request:
        """The request with this model's settings, the call's own on top."""
        knobs = {knob: getattr(self, knob) for knob in KNOBS} | {
            k: v for k, v in given.items() if k in KNOBS and v is not None
        }
        text = decoder.tokenizer.apply_chat_template(_roles(messages), tokenize=False, add_generation_prompt=True)
        prompt = tuple(decoder.tokenizer(text, add_special_tokens=False)["input_ids"])
        if len(prompt) >= decoder.context:
            raise StudentError(
                f"The prompt has {len(prompt)} tokens; the context of {self.model!r} is {decoder.context}. Shorten it."
            )
        wants = knobs["logprobs"] or knobs["top_logprobs"]
        return Request(
            prompt=prompt,
            n=int(knobs["n"]),
            temperature=float(knobs["temperature"]),
            max_tokens=min(int(knobs["max_tokens"]), decoder.context - len(prompt)),
            seed=(int(knobs["seed"]), *sample_path.get()),
            stop=tuple(stop or knobs["stop"] or ()),
            top_logprobs=int(knobs["top_logprobs"] or 0) if wants else None,
        )

    def _submit(
        self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> tuple[Decoder, Request, Future[list[Decoded]]]:
        decoder = self.decoder
        request = self._request(decoder, messages, stop, given)
        return decoder, request, decoder.submit(request)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        decoder, request, replies = self._submit(messages, stop, kwargs)
        return self._result(decoder, request, _wait(replies))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # Weights are loaded at the first request, and files are looked at in each: LangGraph's server forbids that on its loop.
        decoder, request, replies = await asyncio.to_thread(self._submit, messages, stop, kwargs)
        return self._result(decoder, request, await asyncio.wrap_future(replies))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        result = self._generate(messages, stop, run_manager, **{**kwargs, "n": 1})
        for chunk in self._chunks(result):
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
        result = await self._agenerate(messages, stop, run_manager, **{**kwargs, "n": 1})
        for chunk in self._chunks(result):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _chunks(self, result: ChatResult) -> Iterator[ChatGenerationChunk]:
        """The reply in pieces of whole characters; the last, empty one carries usage and reason.

        The reply is decoded whole before its first piece: replies of these models take milliseconds.
        """
        message = result.generations[0].message
        for piece in _pieces(message.text):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        assert isinstance(message, AIMessage)
        last = AIMessageChunk(
            content="",
            response_metadata=message.response_metadata,
            usage_metadata=message.usage_metadata,
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _result(self, decoder: Decoder, request: Request, replies: list[Decoded]) -> ChatResult:
        read = len(request.prompt)
        made = sum(len(reply.tokens) for reply in replies)
        usage = {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}
        return ChatResult(
            generations=[self._generation(decoder, request, reply) for reply in replies],
            llm_output={"token_usage": usage, "model_name": self.adapter or self.model},
        )

    def _generation(self, decoder: Decoder, request: Request, reply: Decoded) -> ChatGeneration:
        text = decoder.tokenizer.decode(reply.tokens, skip_special_tokens=True)
        cut = min((at for one in request.stop if (at := text.find(one)) >= 0), default=len(text))
        read, made = len(request.prompt), len(reply.tokens)
        told: dict[str, Any] = {
            "finish_reason": "stop" if reply.finished else "length",
            "model_name": self.adapter or self.model,
            "model_provider": "langdistill",
        }
        if request.top_logprobs is not None:
            content = [_token(decoder, shares, request.top_logprobs) for shares in reply.logprobs]
            told["logprobs"] = {"content": content}
        message = AIMessage(
            text[:cut],
            response_metadata=told,
            usage_metadata={"input_tokens": read, "output_tokens": made, "total_tokens": read + made},
        )
        return ChatGeneration(message=message, generation_info={"finish_reason": told["finish_reason"]})


def _token(decoder: Decoder, shares: dict[int, float], alternatives: int) -> dict[str, Any]:
    told = [{"token": (text := decoder.tokenizer.decode([token])), "logprob": share, "bytes": list(text.encode())}
            for token, share in shares.items()]  # fmt: skip
    ranked = sorted(told, key=lambda one: -float(one["logprob"]))  # type: ignore[arg-type]
    return {**told[0], "top_logprobs": ranked[:alternatives]}


def _roles(messages: list[BaseMessage]) -> list[dict[str, Any]]:
    """Messages in the shape that chat templates read; text only."""
    return convert_to_openai_messages(messages, text_format="string")  # type: ignore[return-value]


def _wait(future: Future[list[Decoded]]) -> list[Decoded]:
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
