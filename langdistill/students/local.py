"""A local model, with or without an adapter, as a LangChain chat model that runs in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from pydantic import Field

from langdistill.errors import StudentError
from langdistill.jobs import sample_path
from langdistill.students.decoding import Decoded, Decoder, Request, decoder_of
from langdistill.students.sampled import Said, SampledChatModel, roles


class LocalChatModel(SampledChatModel):
    """Any local causal language model in Hugging Face format, and a PEFT adapter, as a chat model.

    Requests that come together are decoded together, and equal requests get equal replies whatever they come with. The
    sampling fields may be given per call as well: ``model.invoke(question, temperature=0.7, seed=1)``.
    """

    max_tokens: int = Field(default=128, ge=1)
    """Most tokens of one reply, the end token included."""
    seed: int = 0
    """Of the sampling; a seed, a prompt and a sample index give one reply."""

    @property
    def _llm_type(self) -> str:
        return "langdistill-local"

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
        settings = self._settings(given, stop)
        text = decoder.tokenizer.apply_chat_template(roles(messages), tokenize=False, add_generation_prompt=True)
        prompt = tuple(decoder.tokenizer(text, add_special_tokens=False)["input_ids"])
        if len(prompt) >= decoder.context:
            raise StudentError(
                f"The prompt has {len(prompt)} tokens; the context of {self.model!r} is {decoder.context}. Shorten it."
            )
        return Request(
            prompt=prompt,
            n=int(settings["n"]),
            temperature=float(settings["temperature"]),
            max_tokens=min(int(settings["max_tokens"]), decoder.context - len(prompt)),
            seed=(int(settings["seed"]), *sample_path.get()),
            stop=settings["stop"],
            top_logprobs=settings["top_logprobs"],
        )

    def _asked(
        self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> tuple[Future[list[Decoded]], Callable[[list[Decoded]], ChatResult]]:
        decoder = self.decoder
        request = self._request(decoder, messages, stop, given)

        def told(replies: list[Decoded]) -> ChatResult:
            return self._result(len(request.prompt), [_said(decoder, request, reply) for reply in replies])

        return self._submit(decoder, request), told

    def _submit(self, decoder: Decoder, request: Request) -> Future[list[Decoded]]:
        """Have a request decoded."""
        return decoder.submit(request)


def _said(decoder: Decoder, request: Request, reply: Decoded) -> Said:
    text = decoder.tokenizer.decode(reply.tokens, skip_special_tokens=True)
    cut = min((at for one in request.stop if (at := text.find(one)) >= 0), default=len(text))
    alternatives = request.top_logprobs
    return Said(
        text=text[:cut],
        tokens=len(reply.tokens),
        finish_reason="stop" if reply.finished else "length",
        logprobs=None if alternatives is None else [_token(decoder, shares, alternatives) for shares in reply.logprobs],
    )


def _token(decoder: Decoder, shares: dict[int, float], alternatives: int) -> dict[str, Any]:
    told = [{"token": (text := decoder.tokenizer.decode([token])), "logprob": share, "bytes": list(text.encode())}
            for token, share in shares.items()]  # fmt: skip
    ranked = sorted(told, key=lambda one: -float(one["logprob"]))  # type: ignore[arg-type]
    return {**told[0], "top_logprobs": ranked[:alternatives]}
