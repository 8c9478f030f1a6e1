"""Batch sampling through vLLM's offline `LLM`, as a LangChain chat model: a teacher of any size without a server to run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.tool import tool_call
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from langdistill.errors import StudentError
from langdistill.jobs import sample_path
from langdistill.students.bases import base_folder
from langdistill.students.sampled import Said, SampledChatModel, roles
from langdistill.students.serving.offline_process import OfflineProcess, close_all, process_of

COMPACT = {"backend": "xgrammar", "disable_any_whitespace": True}
"""Of a constrained reply: where white space is allowed, small models go on with it to the end of the context."""
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks of adapters that vLLM can make room for."""


class VllmChatModel(SampledChatModel):
    """Any local model that vLLM runs, and a LoRA adapter, as a chat model.

    vLLM's `LLM` lives in a process beside this one, started at the first request, shared by all models of the same folder and
    engine arguments, and ended with this process. Whatever is asked at about the same time is generated in one batch, so ask
    with `batch`, or from a graph with many requests under way.

    With a `seed`, one prompt and one sample index give one reply on one machine and one vLLM; unlike those of `LocalChatModel`,
    the last digits of log-probabilities may depend on what else was in the batch.

    On a processor, weights are computed in float32 and the cache of keys and values has 1 GiB, unless `engine` says otherwise.
    """

    knobs: ClassVar[tuple[str, ...]] = (
        *SampledChatModel.knobs, "top_p", "top_k", "chat_template_kwargs", "tool_parser", "structured_outputs",
    )  # fmt: skip

    max_tokens: int | None = Field(default=None, ge=1)
    """Most tokens of one reply, the end token included; `None` for what the context leaves."""
    seed: int | None = 0
    """Of the sampling; `None` draws anew each time, and is what vLLM does fastest."""
    top_p: float = 1.0
    """Sample from the likeliest tokens that together have this share."""
    top_k: int = 0
    """Sample from this many of the likeliest tokens; 0 for all."""
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """What the model's chat template takes besides: ``{"enable_thinking": False}``."""
    tool_parser: str | None = None
    """vLLM's name for how this model writes tool calls: "hermes". Without it they stay in the text."""
    structured_outputs: dict[str, Any] | None = None
    """What a reply must be, in vLLM's terms: ``{"json": schema}``, ``{"regex": "yes|no"}``, ``{"choice": [...]}``."""
    max_lora_rank: int | None = None
    """Largest rank of an adapter that the engine makes room for; `None`: that of `adapter`, or no room at all. Models with and
    without adapters share one engine where they name the same rank."""
    engine: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of `vllm.LLM`: ``{"tensor_parallel_size": 2, "dtype": "float32", "gpu_memory_utilization": 0.5}``."""

    @property
    def _llm_type(self) -> str:
        return "langdistill-vllm"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {**super()._identifying_params, "engine": self.engine}

    @property
    def process(self) -> OfflineProcess:
        """The process that holds the weights; a new one where the last one has died.

        Raises:
            MissingExtra: vLLM is not installed.
            StudentError: there is no such model or adapter.
        """
        arguments: dict[str, Any] = {
            "model": str(base_folder(self.model).resolve()),
            "max_model_len": -1,  # what fits into the memory
            "max_logprobs": -1,
            "structured_outputs_config": COMPACT,
        }
        if rank := self.max_lora_rank or _rank(self.adapter):
            arguments |= {"enable_lora": True, "max_lora_rank": rank}
        return process_of(arguments | self.engine)

    def close(self) -> None:
        """End what holds this model, so that its memory is free for others; the next request starts it again."""
        close_all(str(base_folder(self.model).resolve()))

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools, which its chat template tells it of.

        Calls that it makes by itself are read by `tool_parser`. With a tool choice of "any", "required" or a tool's name the
        reply is made to be one call, whatever the model is used to.

        Raises:
            StudentError: the tool choice names none of the tools.
        """
        offered = [convert_to_openai_tool(tool) for tool in tools]
        choice = tool_choice["function"]["name"] if isinstance(tool_choice, dict) else tool_choice
        names = {tool["function"]["name"] for tool in offered}
        if choice not in (None, True, False, "auto", "none", "any", "required", *names):
            raise StudentError(f"The tool choice {choice!r} is none of the tools {', '.join(sorted(names))}.")
        if choice in (None, False, "auto", "none"):
            return self.bind(tools=[] if choice == "none" else offered, **kwargs)  # type: ignore[return-value]
        chosen = [tool for tool in offered if tool["function"]["name"] == choice] or offered
        return self.bind(tools=offered, one_of=chosen, **kwargs)  # type: ignore[return-value]

    def _submit(
        self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> Future[dict[str, Any]]:
        settings = self._settings(given, stop)
        asked = roles(messages)
        params = {
            "n": settings["n"],
            "temperature": settings["temperature"],
            "max_tokens": settings["max_tokens"],
            "top_p": settings["top_p"],
            "top_k": settings["top_k"],
            "seed": _seed(settings["seed"], asked),
            "stop": list(settings["stop"]),
            "logprobs": settings["top_logprobs"],
            "structured_outputs": _one_call(given["one_of"]) if given.get("one_of") else settings["structured_outputs"],
        }
        return self.process.submit(
            {
                "messages": asked,
                "tools": given.get("tools") or None,
                "template": settings["chat_template_kwargs"],
                "tool_parser": settings["tool_parser"],
                "adapter": None if self.adapter is None else str(_adapter(self.adapter).resolve()),
                "params": params,
            }
        )

    def _asked(
        self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]
    ) -> tuple[Future[dict[str, Any]], Callable[[dict[str, Any]], ChatResult]]:
        return self._submit(messages, stop, given), partial(self._told, given=given)

    def _told(self, answer: dict[str, Any], given: dict[str, Any]) -> ChatResult:
        replies = [_read_call(reply) if given.get("one_of") else reply for reply in answer["replies"]]
        return self._result(answer["read"], [_said(reply) for reply in replies])


def _one_call(tools: list[dict[str, Any]]) -> dict[str, Any]:
    """What holds a reply to one call of one of the tools."""
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": tool["function"]["name"]}, "arguments": tool["function"]["parameters"]},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in tools
    ]
    return {"json": {"anyOf": calls}}


def _read_call(reply: dict[str, Any]) -> dict[str, Any]:
    """The reply with its text as the call that it is; as it came where it was cut short."""
    try:
        call = json.loads(reply["text"])
    except ValueError:
        return reply
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
    made = {"id": f"call_{uuid4().hex}", "function": function}
    return {**reply, "text": "", "tool_calls": [made], "finish_reason": "tool_calls"}


def _said(reply: dict[str, Any]) -> Said:
    calls = [
        tool_call(name=call["function"]["name"], args=json.loads(call["function"]["arguments"]), id=call["id"])
        for call in reply["tool_calls"]
    ]
    return Said(reply["text"], reply["tokens"], reply["finish_reason"], reply["logprobs"], calls)


def _seed(seed: int | None, messages: list[dict[str, Any]]) -> int | None:
    """Of a request: a function of the seed, of the samples that it belongs to and of what is asked."""
    if seed is None:
        return None
    key = hashlib.sha256(repr((seed, sample_path.get(), messages)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(key[:7], "little")  # vLLM adds the index of the reply, and 63 bits are its most


def _adapter(folder: str) -> Path:
    """The folder of an adapter.

    Raises:
        StudentError: it holds none.
    """
    place = Path(folder).expanduser()
    if not (place / "adapter_config.json").is_file():
        raise StudentError(
            f"There is no adapter in {folder!r}: it holds no adapter_config.json. Give the folder of a PEFT adapter."
        )
    return place


def _rank(adapter: str | None) -> int | None:
    """The smallest rank that vLLM can make room for and the adapter fits in."""
    if adapter is None:
        return None
    told = json.loads((_adapter(adapter) / "adapter_config.json").read_bytes())
    rank = max([int(told["r"]), *(told.get("rank_pattern") or {}).values()])
    return next((room for room in RANKS if room >= rank), rank)
