"""LangChain's client of OpenAI-compatible servers, keeping what `ChatOpenAI` leaves out of a reply: the reasoning.

    model = ReasoningChatOpenAI(model="deepseek-reasoner", base_url="http://localhost:8000/v1", api_key="none")
    model.invoke("17 * 23?").additional_kwargs["reasoning_content"]

vLLM, SGLang, DeepSeek, OpenRouter and others put it beside the content, as `reasoning_content` or as `reasoning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langdistill.errors import MissingExtra

try:
    from langchain_openai import ChatOpenAI
except ImportError as missing:
    raise MissingExtra("langchain-openai", "agents") from missing

REASONING = "reasoning_content"
"""Key of the text in `additional_kwargs`, and of what is sent back."""
SPELLINGS = (REASONING, "reasoning")
"""Of the servers. Some send both, with the same text."""
PROVIDER = "openai-compatible"
"""`model_provider` of the replies: under "openai" LangChain leaves the reasoning out of `content_blocks`."""


class ReasoningChatOpenAI(ChatOpenAI):
    """`ChatOpenAI` for a server that tells its reasoning; everything else is as in the parent.

    The reasoning is text in ``additional_kwargs["reasoning_content"]``, chunk by chunk where a reply is streamed, and a block
    of `content_blocks`. Where the server gives the ids of tokens (vLLM: ``extra_body={"return_token_ids": True}``), they are
    ``response_metadata["token_ids"]`` and ``response_metadata["prompt_token_ids"]``, lists of integers.

    More than one reply (`n`) is not streamed, as LangChain would mix their chunks into one message: `stream` gives the first
    reply in one piece, `generate` all of them.
    """

    send_reasoning: Literal["never", "turn", "always"] = "never"
    """Whether the reasoning of earlier replies is sent back, as `reasoning_content`.

    "turn": that of the replies since the user last spoke, which servers need that go on thinking after a tool call.
    "always": of every reply."""
    stream_usage: bool | None = True
    """Ask for the usage of a streamed reply; `False` for a server that does not know `stream_options`."""

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Where LangChain's `load` finds the class."""
        return ["langdistill", "reasoning_openai"]

    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        payload = super()._get_request_payload(input_, stop=stop, **kwargs)
        if self.send_reasoning != "never" and "messages" in payload:  # the Responses API has items of its own
            messages = self._convert_input(input_).to_messages()
            first = 0 if self.send_reasoning == "always" else _turn(messages)
            for message, told in list(zip(messages, payload["messages"], strict=True))[first:]:
                if isinstance(message, AIMessage) and (text := _reasoning_of(message)):
                    told[REASONING] = text
        return payload

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        for choice, generation in zip(_of(response, "choices"), result.generations, strict=True):
            if text := _reasoning_in(_of(choice, "message")):
                generation.message.additional_kwargs[REASONING] = text
            generation.generation_info = (generation.generation_info or {}) | _token_ids(response, choice)
            generation.message.response_metadata["model_provider"] = PROVIDER
        result.llm_output = (result.llm_output or {}) | {"model_provider": PROVIDER}
        return result

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        told = chunk if chunk.get("choices") else chunk.get("chunk") or {}  # wrapped where a schema is asked for
        if made is None or not (choices := told.get("choices")):
            return made
        choice = choices[0]
        if choice.get("index"):
            return None  # of another reply than the first
        if text := _reasoning_in(choice["delta"]):
            made.message.additional_kwargs[REASONING] = text
        made.message.response_metadata["model_provider"] = PROVIDER
        made.generation_info = (made.generation_info or {}) | _token_ids(told, choice) or None
        if self.output_version == "v1":
            made.message.content = _numbered(made.message.content_blocks)
        return made

    def _get_generation_chunk_from_completion(self, completion: Any) -> ChatGenerationChunk:
        """The last chunk of a streamed reply with a schema; its reasoning has been streamed before."""
        made = super()._get_generation_chunk_from_completion(completion)
        made.message.additional_kwargs.pop(REASONING, None)
        return made

    def _streaming_disabled(self, **kwargs: Any) -> bool:
        return (kwargs.get("n") or self.n or 1) > 1 or super()._streaming_disabled(**kwargs)


def _of(told: Any, key: str) -> Any:
    """A field of a reply, which is a dict or an object of the client's."""
    return told.get(key) if isinstance(told, Mapping) else getattr(told, key, None)


def _reasoning_in(told: Any) -> str | None:
    texts = (_of(told, key) for key in SPELLINGS)
    return next((text for text in texts if isinstance(text, str) and text), None)


def _token_ids(response: Any, choice: Any) -> dict[str, list[int]]:
    told = {"prompt_token_ids": _of(response, "prompt_token_ids"), "token_ids": _of(choice, "token_ids")}
    return {key: list(ids) for key, ids in told.items() if ids}


def _numbered(blocks: Iterable[Any]) -> list[Any]:
    """Blocks of a chunk, with an index by their kind: LangChain would merge a tool call, which servers number from 0, into them."""
    return [
        {**block, "index": f"lc_{block['type']}"} if block["type"] in ("reasoning", "text") else block
        for block in blocks
    ]


def _turn(messages: Sequence[BaseMessage]) -> int:
    """Index of the first message after the user's last one."""
    return max((at + 1 for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=0)


def _reasoning_of(message: AIMessage) -> str:
    """What a reply thought, kept beside its content or, in LangChain's v1 format, as blocks of it."""
    return message.additional_kwargs.get(REASONING) or "".join(_blocks(message))


def _blocks(message: AIMessage) -> Iterator[str]:
    blocks = message.content if isinstance(message.content, list) else []
    found = (one for one in blocks if isinstance(one, dict) and one.get("type") == "reasoning")
    return chain.from_iterable([one["reasoning"]] if one.get("reasoning") else [] for one in found)
