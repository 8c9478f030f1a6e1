"""The parts of a message as OpenAI (chat and Responses), Anthropic, Gemini, the Vercel AI SDK, LangChain and OTel GenAI write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langdistill.records import Message
from langdistill.stores.foreign.values import as_text, first, mapping, parsed, sequence, text_of


@dataclass
class Said:
    """What the parts of one message say, sorted by kind."""

    parts: list[Any] = field(default_factory=list)
    """Texts as OpenAI's text parts, images as its `image_url` parts where they are one; any other part as it was."""
    reasoning: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Tool calls in the OpenAI shape."""
    results: list[Message] = field(default_factory=list)
    """Results of tools; each is a message of its own."""

    @property
    def content(self) -> str | list[Any] | None:
        """Text where there is one text and nothing else, `None` where there is nothing."""
        if len(self.parts) == 1 and self.parts[0].keys() == {"type", "text"} and isinstance(self.parts[0]["text"], str):
            return self.parts[0]["text"]
        return self.parts or None


def tool_call(id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """A tool call in the OpenAI shape; arguments that are no text become JSON, none become `{}`."""
    written = as_text({} if arguments is None else arguments)
    return {
        "id": text_of(id) or "",
        "type": "function",
        "function": {"name": text_of(name) or "", "arguments": written},
    }


def tool_result(id: Any, name: Any, content: Any) -> Message:
    """The result of a tool as a message; what is no text becomes JSON. Parts of a text are one text where they can be."""
    result = Message(role="tool", content=_result_text(content), tool_call_id=text_of(id) or "")
    if found := text_of(name):
        result["name"] = found
    return result


def _result_text(content: Any) -> str | list[Any]:
    if isinstance(content, list) and content and all(isinstance(one, dict) and "type" in one for one in content):
        said = said_by(content)
        if not (said.calls or said.results or said.reasoning):
            return said.content or ""
    return "" if content is None else as_text(content)


def called(call: Any) -> dict[str, Any] | None:
    """A tool call in the OpenAI shape from OpenAI's, LangChain's or a flat one; `None` where it is none."""
    fields = mapping(call)
    function = mapping(fields.get("function")) or fields
    if "name" not in function:
        return None
    return tool_call(
        first(fields, ("id", "tool_call_id")), function["name"], first(function, ("arguments", "args", "input"))
    )


def said_by(content: Any) -> Said:
    """What a content says: a text, a part, or a list of parts."""
    said = Said()
    for part in content if isinstance(content, list) else [] if content is None else [content]:
        if isinstance(part, dict):
            _reader(part)(part, said)
        elif part != "":
            _text(as_text(part), said)
    return said


def _text(text: str, said: Said) -> None:
    said.parts.append({"type": "text", "text": text})


def _reader(part: dict[str, Any]) -> Callable[[dict[str, Any], Said], None]:
    kind = part.get("type")
    if isinstance(kind, str):
        return READERS.get(kind, _as_it_is)
    return next((reader for key, reader in GEMINI.items() if key in part), _as_it_is)


def _as_it_is(part: dict[str, Any], said: Said) -> None:
    said.parts.append(part)


def _plain_text(part: dict[str, Any], said: Said) -> None:
    text = first(part, ("text", "content"))
    if not isinstance(text, str):
        said.parts.append(part)
    elif part.get("thought") is True:
        said.reasoning.append(text)
    else:
        _text(text, said)


def _reasoning(part: dict[str, Any], said: Said) -> None:
    """Of Anthropic, LangChain, Vercel, GenAI, and of Responses, whose summary is a list of parts."""
    found = first(part, ("thinking", "reasoning", "text")) or part.get("content") or part.get("summary")
    for one in found if isinstance(found, list) else [found]:
        if text := text_of(first(one, ("text", "content")) if isinstance(one, dict) else one):
            said.reasoning.append(text)


def _call(part: dict[str, Any], said: Said) -> None:
    arguments = first(part, ("input", "args", "arguments"))
    said.calls.append(
        tool_call(first(part, ("call_id", "toolCallId", "id")), first(part, ("name", "toolName")), arguments)
    )


def _result(part: dict[str, Any], said: Said) -> None:
    content = first(part, ("content", "output", "result", "response"))
    if isinstance(content, dict) and content.keys() == {"type", "value"}:  # Vercel says of which type its output is
        content = content["value"]
    id = first(part, ("tool_use_id", "toolCallId", "call_id", "tool_call_id", "id"))
    said.results.append(tool_result(id, first(part, ("toolName", "name")), content))


def _image(part: dict[str, Any], said: Said) -> None:
    """An image of Anthropic's; one of another form stays as it is."""
    source = mapping(part.get("source"))
    kind, data = text_of(first(source, ("media_type",))), text_of(first(source, ("data",)))
    url = f"data:{kind};base64,{data}" if kind and data else text_of(source.get("url"))
    said.parts.append({"type": "image_url", "image_url": {"url": url}} if url and len(part) == 2 else part)


def _gemini_call(part: dict[str, Any], said: Said) -> None:
    call = mapping(first(part, ("function_call", "functionCall")))
    said.calls.append(tool_call(call.get("id"), call.get("name"), call.get("args")))


def _gemini_result(part: dict[str, Any], said: Said) -> None:
    result = mapping(first(part, ("function_response", "functionResponse")))
    said.results.append(tool_result(result.get("id"), result.get("name"), result.get("response")))


def _gemini_data(part: dict[str, Any], said: Said) -> None:
    data = mapping(first(part, ("inline_data", "inlineData")))
    kind, content = text_of(first(data, ("mime_type", "mimeType"))) or "", text_of(data.get("data"))
    is_image = kind.startswith("image/") and content
    url = {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{content}"}}
    said.parts.append(url if is_image else part)


READERS: dict[str, Callable[[dict[str, Any], Said], None]] = {
    **dict.fromkeys(("text", "input_text", "output_text"), _plain_text),
    **dict.fromkeys(("thinking", "reasoning"), _reasoning),
    **dict.fromkeys(("tool_use", "tool-call", "tool_call", "function_call"), _call),
    **dict.fromkeys(("tool_result", "tool-result", "tool_call_response", "function_call_output"), _result),
    "image": _image,
}
"""By the part's `type`."""

GEMINI: dict[str, Callable[[dict[str, Any], Said], None]] = {
    "function_call": _gemini_call,
    "functionCall": _gemini_call,
    "function_response": _gemini_result,
    "functionResponse": _gemini_result,
    "inline_data": _gemini_data,
    "inlineData": _gemini_data,
    "text": _plain_text,
}
"""By the key that is in the part; Gemini's parts have no type."""


def tools_in(value: Any) -> list[dict[str, Any]]:
    """Schemas of tools on offer, in the OpenAI shape where they are of a known one: a list, JSON text, or Gemini's groups."""
    found: list[dict[str, Any]] = []
    for tool in map(parsed, sequence(parsed(value))):
        fields = mapping(tool)
        declared = first(fields, ("function_declarations", "functionDeclarations"))
        if declared is not None:
            found += tools_in(declared)
        elif fields:
            found.append(_tool(fields))
        elif name := text_of(tool):
            found.append({"name": name})
    return found


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if isinstance(tool.get("function"), dict) or not isinstance(tool.get("name"), str):
        return tool
    schema = first(tool, ("parameters", "input_schema", "inputSchema", "parameters_json_schema"))
    function = {
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": schema,
        "strict": tool.get("strict"),
    }
    told = {key: value for key, value in function.items() if value is not None}
    known = {
        "name",
        "description",
        "parameters",
        "input_schema",
        "inputSchema",
        "parameters_json_schema",
        "strict",
        "type",
    }
    more = {key: value for key, value in tool.items() if key not in known and value is not None}
    return {"type": "function", "function": told} | more
