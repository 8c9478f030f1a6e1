"""A student, a chat model or a graph as a model of Inspect, under the name ``langdistill/PATH``.

Inspect loads this file by an entry point: with langdistill installed, ``inspect eval task.py --model langdistill/PATH`` runs the
student or model in that folder. A model's string is a name, too: ``langdistill/vllm:PATH``.
"""

# Where Inspect is not installed, what is of it has no types.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false, reportUntypedFunctionDecorator=false

from __future__ import annotations

import json
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    modelapi,
)
from inspect_ai.tool import ToolCall, ToolChoice, ToolFunction, ToolInfo
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.runnables import Runnable
from langgraph.pregel import Pregel

from langdistill.asking import unbound
from langdistill.errors import ModelError
from langdistill.evaluation.measuring import CONCURRENT
from langdistill.evaluation.subject import subject_of
from langdistill.students.sampled import SampledChatModel

SAMPLING = {"max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
            "stop_seqs": "stop", "logprobs": "logprobs", "top_logprobs": "top_logprobs", "num_choices": "n"}  # fmt: skip
"""Inspect's name of a setting to LangChain's."""
REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "max_tokens",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}


class LangdistillAPI(ModelAPI):
    """Asks a LangChain chat model, or a graph, for what Inspect wants generated."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        model: Runnable[Any, Any] | None = None,
        **knobs: Any,
    ) -> None:
        """Find the model by its name, unless it is given.

        Args:
            model_name: path of a student or model, or a model's string, as `evaluate` takes them.
            base_url: of no meaning here.
            api_key: of no meaning here.
            config: Inspect's defaults for every request.
            model: what to ask instead.
            knobs: given to every request, as with ``-M top_k=5``.
        """
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self.model = model or subject_of(model_name).runnable
        self.knobs = knobs

    def max_connections(self) -> int:
        """Requests under way at once: weights of one's own answer them as one batch."""
        return CONCURRENT if isinstance(unbound(self.model), SampledChatModel) else super().max_connections()

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """The replies to a conversation.

        Raises:
            ModelError: the model cannot do what is asked of it.
        """
        messages = convert_to_messages([_shape(message) for message in input])
        replies = await self._replies(messages, self._settings(config), tools, tool_choice)
        choices = [_choice(reply, self.model_name) for reply in replies]
        return ModelOutput(model=self.model_name, choices=choices, usage=_usage(replies))

    def _settings(self, config: GenerateConfig) -> dict[str, Any]:
        given = {ours: getattr(config, theirs) for theirs, ours in SAMPLING.items()}
        settings = self.knobs | {key: value for key, value in given.items() if value is not None}
        model = unbound(self.model)
        known = () if isinstance(model, Pregel) else model.knobs if isinstance(model, SampledChatModel) else settings
        if unknown := sorted(set(settings) - set(known)):
            raise ModelError(
                f"{self.model_name} takes no {', '.join(unknown)}; it takes {', '.join(known) or 'nothing besides messages'}."
            )
        return settings

    async def _replies(
        self, messages: list[BaseMessage], settings: dict[str, Any], tools: list[ToolInfo], tool_choice: ToolChoice
    ) -> list[AIMessage]:
        if isinstance(self.model, Pregel):
            output = await self.model.ainvoke({"messages": messages})
            return [output["messages"][-1]]
        if settings.get("n", 1) > 1:
            return await self._several(messages, settings, tools)
        model: Any = self.model
        if tools and tool_choice != "none":
            chosen = tool_choice.name if isinstance(tool_choice, ToolFunction) else tool_choice
            model = model.bind_tools([_tool(tool) for tool in tools], tool_choice=chosen)
        settings = {key: value for key, value in settings.items() if key != "n"}
        return [await model.ainvoke(messages, **settings)]

    async def _several(
        self, messages: list[BaseMessage], settings: dict[str, Any], tools: list[ToolInfo]
    ) -> list[AIMessage]:
        if not isinstance(self.model, BaseChatModel) or tools:
            raise ModelError(f"{self.model_name} gives several choices only as a bare chat model without tools.")
        result = await self.model.agenerate([messages], **settings)
        return [one.message for one in result.generations[0]]  # type: ignore[union-attr]


@modelapi(name="langdistill")
def langdistill() -> type[ModelAPI]:
    """The provider, as Inspect's registry knows it."""
    return LangdistillAPI


def _shape(message: ChatMessage) -> dict[str, Any]:
    """A message of Inspect's in OpenAI's shape."""
    shaped: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if isinstance(message, ChatMessageTool):
        shaped["tool_call_id"] = message.tool_call_id or ""
        if message.error is not None:
            shaped["content"] = message.error.message
    if isinstance(message, ChatMessageAssistant) and message.tool_calls:
        shaped["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function, "arguments": json.dumps(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return shaped


def _content(message: ChatMessage) -> str | list[dict[str, Any]]:
    """Text, or blocks where there are images; past reasoning is not sent again.

    Raises:
        ModelError: there is something else.
    """
    if isinstance(message.content, str):
        return message.content
    blocks: list[dict[str, Any]] = []
    for part in message.content:
        if part.type == "text":
            blocks.append({"type": "text", "text": part.text})
        elif part.type == "image":
            blocks.append({"type": "image_url", "image_url": {"url": part.image}})
        elif part.type != "reasoning":
            raise ModelError(f"A message holds {part.type!r}; only text and images can be sent to a LangChain model.")
    if all(block["type"] == "text" for block in blocks):
        return "".join(block["text"] for block in blocks)
    return blocks


def _tool(tool: ToolInfo) -> dict[str, Any]:
    return {
        "type": "function",
        "function": tool.model_dump(include={"name", "description", "parameters"}, exclude_none=True),
    }


def _choice(reply: AIMessage, name: str) -> ChatCompletionChoice:
    content: str | list[Content] = reply.text
    if reasoning := reply.additional_kwargs.get("reasoning_content"):
        content = [ContentReasoning(reasoning=str(reasoning)), ContentText(text=reply.text)]
    calls = [ToolCall(id=call["id"] or "", function=call["name"], arguments=call["args"]) for call in reply.tool_calls]
    told = reply.response_metadata
    return ChatCompletionChoice(
        message=ChatMessageAssistant(content=content, tool_calls=calls or None, model=name, source="generate"),
        stop_reason="tool_calls" if calls else REASONS.get(str(told.get("finish_reason")), "unknown"),
        logprobs=Logprobs(**told["logprobs"]) if told.get("logprobs") else None,
    )


def _usage(replies: list[AIMessage]) -> ModelUsage | None:
    """Tokens of all replies; their prompt is read once."""
    told = [reply.usage_metadata for reply in replies if reply.usage_metadata]
    if not told:
        return None
    read, made = told[0]["input_tokens"], sum(one["output_tokens"] for one in told)
    return ModelUsage(input_tokens=read, output_tokens=made, total_tokens=read + made)
