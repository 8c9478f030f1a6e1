"""Messages of other shapes; each is as its own documentation, or a recorder, writes it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage, messages_to_dict

from langdistill.recording.capture.messages import plain
from langdistill.stores.foreign.conversations import conversation, replies, usage_in
from langdistill.stores.foreign.losses import Losses
from langdistill.stores.foreign.messages import read_messages


def tool_call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


CALL = tool_call("c1", "look", '{"at": "Rome"}')
TURN = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
    {"role": "tool", "content": "rainy", "tool_call_id": "c1"},
    {"role": "assistant", "content": "It rains.", "reasoning_content": "Rain, then."},
]
"""One conversation, that all the shapes below hold."""

OPENAI = {"messages": [
    {"role": "developer", "content": "Be short."},
    {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL], "refusal": None, "audio": None},
    {"role": "tool", "content": "rainy", "tool_call_id": "c1"},
    {"role": "assistant", "content": "It rains.", "reasoning_content": "Rain, then."}]}  # fmt: skip
RESPONSES = {"instructions": "Be short.", "input": [
    {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look.", "annotations": []}]},
    {"type": "function_call", "call_id": "c1", "id": "fc_1", "name": "look", "arguments": '{"at": "Rome"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "rainy"},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Rain, then."}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It rains."}]}]}  # fmt: skip
ANTHROPIC = {"system": [{"type": "text", "text": "Be short."}], "messages": [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": [{"type": "text", "text": "I look."},
                                      {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "Rome"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "rainy"}]}]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "Rain, then.", "signature": "x"},
                                      {"type": "text", "text": "It rains."}]}]}  # fmt: skip
VERCEL = {"messages": [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "I look."},
                                      {"type": "tool-call", "toolCallId": "c1", "toolName": "look", "input": {"at": "Rome"}}]},
    {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "toolName": "look",
                                  "output": {"type": "text", "value": "rainy"}}]},
    {"role": "assistant", "content": [{"type": "reasoning", "text": "Rain, then."}, {"type": "text", "text": "It rains."}]}]}  # fmt: skip
GENAI = [
    {"role": "system", "parts": [{"type": "text", "content": "Be short."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
    {"role": "assistant", "parts": [{"type": "text", "content": "I look."},
                                    {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"at": "Rome"}}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rainy"}]},
    {"role": "assistant", "parts": [{"type": "reasoning", "content": "Rain, then."}, {"type": "text", "content": "It rains."}]}]  # fmt: skip
GEMINI = {"system_instruction": {"parts": [{"text": "Be short."}]}, "contents": [
    {"role": "user", "parts": [{"text": "Weather?"}]},
    {"role": "model", "parts": [{"text": "I look."}, {"functionCall": {"id": "c1", "name": "look", "args": {"at": "Rome"}}}]},
    {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "look", "response": "rainy"}}]},
    {"role": "model", "parts": [{"text": "Rain, then.", "thought": True}, {"text": "It rains."}]}]}  # fmt: skip
LANGCHAIN = [
    SystemMessage("Be short."),
    HumanMessage("Weather?"),
    AIMessage("I look.", tool_calls=[{"id": "c1", "name": "look", "args": {"at": "Rome"}}]),
    ToolMessage("rainy", tool_call_id="c1"),
    AIMessage("It rains.", additional_kwargs={"reasoning_content": "Rain, then."}),
]
SHAPES = {
    "openai": OPENAI,
    "responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "vercel": VERCEL,
    "genai": GENAI,
    "gemini": GEMINI,
    "langchain-constructors": {"messages": [dumpd(LANGCHAIN)]},
    "langchain-data": messages_to_dict(LANGCHAIN),
    "langchain-dumped": {"messages": [one.model_dump() for one in LANGCHAIN]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_one_conversation_in_every_shape(shape: str) -> None:
    losses = Losses("here")
    found = [
        {key: one for key, one in message.items() if key != "name"}
        for message in conversation(SHAPES[shape], losses).messages
    ]
    for one in found:
        for call in one.get("tool_calls", []):  # type: ignore[attr-defined]
            call["function"]["arguments"] = call["function"]["arguments"].replace('":"', '": "')
    assert found == TURN
    assert not losses.told


def test_what_the_recorder_keeps_is_what_is_imported() -> None:
    assert read_messages(dumpd(LANGCHAIN), Losses("")) == [
        plain(one) | ({"tool_calls": [CALL]} if "tool_calls" in plain(one) else {}) for one in LANGCHAIN
    ]


def test_free_roles_and_results_without_ids() -> None:
    asked = {
        "role": "assistant",
        "content": None,
        "tool_calls": [tool_call("c1", "look", "{}"), tool_call("c2", "ask", "{}")],
    }
    said = read_messages(
        [
            ["human", "hi"],
            asked,
            {"role": "ask", "content": "yes"},
            {"role": "tool", "content": "rainy"},
            {"role": "boss", "content": "go"},
        ],
        Losses(""),
    )
    assert said[2] == {"role": "tool", "content": "yes", "name": "ask", "tool_call_id": "c2"}
    assert said[3] == {"role": "tool", "content": "rainy", "tool_call_id": "c1"}
    assert said[4] == {"role": "user", "content": "go", "name": "boss"}


def test_images_are_kept() -> None:
    anthropic = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}
    gemini = {"inline_data": {"mime_type": "image/png", "data": "QQ=="}}
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}
    sound = {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}
    for part in (anthropic, gemini, url):
        assert read_messages({"role": "user", "content": [part]}, Losses("")) == [{"role": "user", "content": [url]}]
    assert read_messages({"role": "user", "content": [sound]}, Losses(""))[0]["content"] == [sound]


def test_all_replies_with_reasons_logprobs_and_tokens() -> None:
    logprobs = [{"token": "a", "logprob": -0.5}]
    openai = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": {"content": logprobs}}
                          for text in "ab"],
              "usage": {"prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2},
                        "completion_tokens_details": {"reasoning_tokens": 1}}}  # fmt: skip
    found = replies(openai, Losses(""))
    assert [(one.message["content"], one.finish_reason, one.logprobs) for one in found] == [
        ("a", "stop", logprobs),
        ("b", "stop", logprobs),
    ]
    assert usage_in(openai).model_dump() == {
        "input_tokens": 3,
        "output_tokens": 4,
        "cached_tokens": 2,
        "reasoning_tokens": 1,
    }
    gemini = {"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]}, "finishReason": "STOP"}],
              "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 6, "thoughtsTokenCount": 7}}  # fmt: skip
    assert [(one.message["content"], one.finish_reason) for one in replies(gemini, Losses(""))] == [("a", "STOP")]
    assert usage_in(gemini).reasoning_tokens == 7
    response = {"object": "response", "output": RESPONSES["input"][-2:]}
    (one,) = replies(response, Losses(""))
    assert one.message == {"role": "assistant", "content": "It rains.", "reasoning_content": "Rain, then."}
    (one,) = replies('{"answer": 5}', Losses(""))
    assert one.message["content"] == '{"answer": 5}'


def test_what_is_no_message_is_told() -> None:
    losses = Losses("file")
    assert conversation([5, {"role": "user", "content": "hi"}, {"content": "x"}], losses).messages == [
        {"role": "user", "content": "hi"}
    ]
    assert conversation({"a": 1}, losses).messages == []
    assert read_messages(
        {"role": "user", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}, losses
    )
    assert read_messages({"role": "assistant", "content": "x", "tool_calls": ["f"]}, losses)
    assert [one.reason for one in losses.told] == [
        "no-message",
        "no-message",
        "no-messages",
        "misplaced",
        "no-tool-call",
    ]
    read_messages({"role": "user", "content": "x", "mood": "gay", "id": "1"}, losses)
    assert dict(losses.keys) == {"message.mood": 1}
