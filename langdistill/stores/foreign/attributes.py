"""Attributes of spans: OpenInference, OTel GenAI, OpenLLMetry's indexed ones, the Vercel AI SDK's and LangSmith's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from langdistill.records import Reply, Usage
from langdistill.stores.foreign.conversations import RESPONSES, Conversation, choice_of, conversation, replies
from langdistill.stores.foreign.losses import Losses, is_empty, shown
from langdistill.stores.foreign.parts import tools_in
from langdistill.stores.foreign.values import count, first, mapping, parsed, sequence, text_of

Kind = Literal["call", "tool", "step"]

INDEX = re.compile(r"[0-9]{1,9}")
KINDS: dict[str, Kind] = {
    **dict.fromkeys(("llm", "chat", "completion", "text_completion", "generate_content", "generation"), "call"),
    **dict.fromkeys(("tool", "execute_tool", "retriever", "retrieval", "ai.toolcall"), "tool"),
    **dict.fromkeys(("ai.generatetext.dogenerate", "ai.streamtext.dostream"), "call"),
    **dict.fromkeys(("ai.generateobject.dogenerate", "ai.streamobject.dostream"), "call"),
}
"""What spans say they are. Anything else that they say is a step."""
SAID_BY = ("openinference.span.kind", "gen_ai.operation.name", "traceloop.span.kind", "llm.request.type",
           "langsmith.span.kind", "ai.operationId")  # fmt: skip
FAMILIES = ("openinference.", "gen_ai.", "llm.", "traceloop.", "langsmith.", "ai.", "tool.", "retrieval.")
"""What the attributes of a span that has to do with models begin with."""
INPUTS = ("input.value", "gen_ai.prompt", "traceloop.entity.input", "gen_ai.task.input", "ai.prompt")
OUTPUTS = ("output.value", "gen_ai.completion", "traceloop.entity.output", "gen_ai.task.output", "ai.response.object")
MODELS = ("gen_ai.response.model", "llm.model_name", "gen_ai.request.model", "ai.response.model", "ai.model.id",
          "traceloop.association.properties.ls_model_name")  # fmt: skip
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
TOKENS: dict[str, tuple[str, ...]] = {
    "input_tokens": ("llm.token_count.prompt", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "ai.usage.promptTokens"),
    "output_tokens": ("llm.token_count.completion", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
                      "ai.usage.completionTokens"),
    "cached_tokens": ("llm.token_count.prompt_details.cache_read", "gen_ai.usage.cache_read.input_tokens",
                      "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.details.cache_read_tokens"),
    "reasoning_tokens": ("llm.token_count.completion_details.reasoning", "gen_ai.usage.reasoning.output_tokens",
                         "gen_ai.usage.reasoning_tokens", "gen_ai.usage.details.reasoning_tokens"),
}  # fmt: skip
TOTALS = ("llm.token_count.total", "gen_ai.usage.total_tokens", "llm.usage.total_tokens")

SCALARS = ("stringValue", "boolValue", "doubleValue")
"""Values of OTLP that are told as they are."""
WHOLE = re.compile(r"-?[0-9]{1,18}")


class Attributes:
    """The attributes of one span; it knows which of them were read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self._read: set[str] = set()

    def get(self, *keys: str) -> Any:
        """The value of the first of the keys that holds one; all of them count as read."""
        self._read.update(keys)
        return next((self.values[key] for key in keys if not is_empty(self.values.get(key))), None)

    def starting(self, prefix: str) -> dict[str, Any]:
        """Those of a prefix, without it."""
        found = {key: value for key, value in self.values.items() if key.startswith(prefix)}
        self._read.update(found)
        return {key.removeprefix(prefix): value for key, value in found.items()}

    def indexed(self, prefix: str) -> list[Any]:
        """Those of a prefix with an index after it, as objects: ``llm.tools.0.tool.name`` of ``llm.tools.``."""
        return listed(nested(self.starting(prefix)))

    @property
    def of_models(self) -> bool:
        """Whether the span says anything of models, tools or agents."""
        return any(key.startswith(FAMILIES) for key in self.values)

    def left(self, losses: Losses) -> None:
        """Count those that were not read."""
        losses.left({key: value for key, value in self.values.items() if key not in self._read}, frozenset())


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as objects within objects; where one is a value and an object at once, the object is under it with its dots."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        *way, last = key.split(".")[:40]
        inner = found
        for name in way:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                break
        else:
            inner[last] = value
            continue
        found[key] = value
    return found


def listed(value: Any) -> Any:
    """The same with lists where all keys of an object are indices."""
    if not isinstance(value, dict):
        return value
    if value and all(INDEX.fullmatch(key) for key in value):
        return [listed(value[key]) for key in sorted(value, key=int)]
    return {key: listed(one) for key, one in value.items()}


def value_of(value: Any) -> Any:
    """What an AnyValue of OTLP holds."""
    fields = mapping(value)
    if "intValue" in fields:
        found = fields["intValue"]
        return int(found) if isinstance(found, str) and WHOLE.fullmatch(found) else found
    if "arrayValue" in fields:
        return [value_of(one) for one in sequence(mapping(fields["arrayValue"]).get("values"))]
    if "kvlistValue" in fields:
        pairs = [mapping(one) for one in sequence(mapping(fields["kvlistValue"]).get("values"))]
        return {text_of(one.get("key")) or "": value_of(one.get("value")) for one in pairs}
    return next((fields[key] for key in (*SCALARS, "bytesValue") if key in fields), None)


def values_of(attributes: Any, losses: Losses) -> dict[str, Any]:
    """A list of keys and AnyValues as one object; the first of two with one key stays."""
    if not isinstance(attributes, list) and not is_empty(attributes):
        losses.tell("no-attributes", f"Expected a list of attributes, got {shown(attributes)}")
    found: dict[str, Any] = {}
    for one in sequence(attributes):
        key = text_of(mapping(one).get("key"))
        value = value_of(mapping(one).get("value"))
        if key is None or key in found:
            losses.tell("no-attribute", f"Expected a key that is not there yet, and a value, got {shown(one)}")
        else:
            found[key] = value
    return found


def kind_of(attributes: Attributes) -> Kind:
    """What a span is, by the first of the conventions that says it."""
    for key in SAID_BY:
        said = text_of(attributes.get(key))
        if said and (key != "openinference.span.kind" or said != "UNKNOWN"):
            return KINDS.get(said.lower(), "step")
    return (
        "call" if attributes.starting("llm.input_messages.") or "gen_ai.prompt.0.role" in attributes.values else "step"
    )


def prompt_of(attributes: Attributes, events: Iterable[Mapping[str, Any]], losses: Losses) -> Conversation:
    """What a model was asked, by the first convention that says it; the others say it again."""
    system = parsed(attributes.get("gen_ai.system_instructions"))
    given = parsed(attributes.get("gen_ai.input.messages", "ai.prompt.messages"))
    places = (
        given,
        [_openinference(one) for one in attributes.indexed("llm.input_messages.")],
        [_indexed(one) for one in attributes.indexed("gen_ai.prompt.")],
        [one for one in events if one.get("role") and "message" not in one],
    )
    raw = attributes.get(*INPUTS)
    found = next((place for place in places if not is_empty(place)), raw)
    if isinstance(system, list) and isinstance(found, list):
        found = [{"role": "system", "parts": system}, *found]
    asked = conversation(found, losses)
    asked.tools = tools_of(attributes) or asked.tools or conversation(raw, Losses("")).tools
    return asked


def replies_of(attributes: Attributes, events: Iterable[Mapping[str, Any]], losses: Losses) -> list[Reply]:
    """All n replies, by the first convention that says them: a response as the model's server gave it goes first."""
    raw = attributes.get(*OUTPUTS)
    response = mapping(parsed(raw))
    places = (
        parsed(attributes.get("gen_ai.output.messages")),
        [_openinference(one) for one in attributes.indexed("llm.output_messages.")],
        [_indexed(one) for one in attributes.indexed("gen_ai.completion.")],
        _vercel(attributes),
        [one for one in events if "message" in one or (one.get("role") == "assistant" and "index" in one)],
    )
    finish = attributes.get("llm.finish_reason", "gen_ai.response.finish_reasons", "ai.response.finishReason")
    finishes = [text_of(one) for one in (sequence(parsed(finish)) or [finish])]
    if any(key in response for key in RESPONSES):
        return replies(response, losses)
    given = next((place for place in places if isinstance(place, list) and place), None)
    if given is None:
        return replies(raw, losses)
    found = [reply for one in given for reply in choice_of(one, losses)]
    if len(finishes) == 1:
        finishes *= len(found)
    finishes += [None] * len(found)
    return [
        one.model_copy(update={"finish_reason": one.finish_reason or end})
        for one, end in zip(found, finishes, strict=False)
    ]


def _openinference(value: Any) -> dict[str, Any]:
    """``message.role``, ``message.contents.N.message_content.text`` and the like as a message."""
    message = dict(mapping(mapping(value).get("message")))
    contents = [
        _openinference_part(mapping(one).get("message_content")) for one in sequence(message.pop("contents", None))
    ]
    if contents and is_empty(message.get("content")):
        message["content"] = contents
    calls = [mapping(mapping(one).get("tool_call")) for one in sequence(message.get("tool_calls"))]
    message["tool_calls"] = [one for one in calls if one] or None
    legacy = message.pop("function_call_name", None), message.pop("function_call_arguments_json", None)
    if legacy[0]:
        message["function_call"] = {"name": legacy[0], "arguments": legacy[1]}
    return (
        message
        if message.get("role")
        else {"role": "assistant"} | {key: value for key, value in message.items() if key != "role"}
    )


def _openinference_part(value: Any) -> dict[str, Any]:
    part = mapping(value)
    url = mapping(mapping(part.get("image")).get("image")).get("url")
    if url:
        return {"type": "image_url", "image_url": {"url": url}}
    return part if "type" in part or "text" not in part else {"type": "text"} | part


def _indexed(value: Any) -> dict[str, Any]:
    """OpenLLMetry's ``role``, ``content``, ``tool_calls.N.name``; a content of parts is JSON text."""
    message = dict(mapping(value))
    content = parsed(message.get("content"))
    if isinstance(content, list) and all(isinstance(one, dict) and "type" in one for one in content):
        message["content"] = content
    return {"role": "assistant"} | message


def _vercel(attributes: Attributes) -> list[dict[str, Any]]:
    text, calls = attributes.get("ai.response.text"), parsed(attributes.get("ai.response.toolCalls"))
    reasoning = attributes.get("ai.response.reasoning")
    asked = [mapping(one) | {"type": "tool-call"} for one in sequence(calls)]
    if not (text or asked or reasoning):
        return []
    parts = [{"type": "text", "text": text}] if isinstance(text, str) and text else []
    return [{"role": "assistant", "content": [*parts, *asked], "reasoning": reasoning}]


def tools_of(attributes: Attributes) -> list[dict[str, Any]]:
    """Schemas of the tools that were offered."""
    schemas = [
        first(mapping(mapping(one).get("tool")), ("json_schema", "name")) for one in attributes.indexed("llm.tools.")
    ]
    functions = [_function(mapping(one)) for one in attributes.indexed("llm.request.functions.")]
    told = attributes.get("gen_ai.tool.definitions", "gen_ai.request.tools", "ai.prompt.tools")
    return tools_in(schemas) or tools_in(told) or tools_in(functions)


def _function(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"parameters": parsed(fields["parameters"])} if "parameters" in fields else fields


def params_of(attributes: Attributes) -> dict[str, Any]:
    """Sampling parameters and the like."""
    told = mapping(parsed(attributes.get("llm.invocation_parameters")))
    for prefix in ("gen_ai.request.", "llm.request.", "ai.settings."):
        told = attributes.starting(prefix) | told
    streaming = attributes.get("llm.is_streaming")
    return told | ({"stream": streaming} if streaming is not None else {})


def usage_by(attributes: Attributes) -> Usage:
    """Tokens of the call."""
    attributes.get(*TOTALS)
    return Usage(**{name: count(attributes.get(*keys)) for name, keys in TOKENS.items()})


def versions_of(scope: Any, resource: Any) -> dict[str, str]:
    """The recorder and its version, and that of OTel's SDK."""
    library, about = mapping(scope), mapping(resource)
    pairs = {
        text_of(library.get("name")): text_of(library.get("version")),
        "opentelemetry": text_of(about.get("telemetry.sdk.version")),
    }
    return {name: version for name, version in pairs.items() if name and version}
