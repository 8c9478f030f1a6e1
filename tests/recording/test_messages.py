from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, ChatMessage, FunctionMessage, HumanMessage, ToolMessage

from langdistill.recording.capture.conversation import conversation_of, ended_with, given_in, messages_in
from langdistill.recording.capture.messages import plain


def test_a_tool_message() -> None:
    said = plain(ToolMessage("3", tool_call_id="c1", name="add"))
    assert said == {"role": "tool", "content": "3", "name": "add", "tool_call_id": "c1"}


def test_a_function_message_is_a_tool_message() -> None:
    assert plain(FunctionMessage("3", name="add")) == {"role": "tool", "content": "3", "name": "add"}


def test_a_free_role_is_kept_as_a_name() -> None:
    assert plain(ChatMessage(role="critic", content="no")) == {"role": "user", "name": "critic", "content": "no"}


def test_a_chunk_is_an_assistant_message() -> None:
    assert plain(AIMessageChunk("4")) == {"role": "assistant", "content": "4"}


def test_blocks_are_copied() -> None:
    parts: list[Any] = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    message = HumanMessage(parts)
    copied: Any = plain(message)
    message.content[0]["text"] = "changed"  # type: ignore[index]
    assert copied["content"][0]["text"] == "look"


def test_blocks_of_reasoning_alone_leave_an_empty_text() -> None:
    said = plain(AIMessage([{"type": "reasoning", "reasoning": "a"}, {"type": "reasoning", "reasoning": "b"}]))
    assert said == {"role": "assistant", "content": "", "reasoning_content": "ab"}


def test_a_block_of_text_without_a_text_is_kept() -> None:
    assert plain(AIMessage([{"type": "text"}]))["content"] == [{"type": "text"}]


def test_messages_in_what_a_root_is_given() -> None:
    pairs = {"messages": [("user", "q"), {"role": "assistant", "content": "a"}]}
    assert [(one.type, one.text) for one in given_in(pairs)[0]] == [("human", "q"), ("ai", "a")]  # type: ignore[union-attr]
    assert given_in("q") == ([{"role": "user", "content": "q"}], None)
    assert given_in({"role": "user", "content": "q"})[0] == [HumanMessage("q")]
    for nothing in (None, "", [], {}, {"input": ""}, {"messages": []}):
        assert given_in(nothing) == ([], None)


def test_messages_of_a_state_that_is_an_object() -> None:
    class State:
        messages = [HumanMessage("q")]

    assert given_in(State()) == ([HumanMessage("q")], None)
    assert conversation_of(State()) == [HumanMessage("q")]
    assert conversation_of({"question": "q"}) == []


def test_messages_in_what_a_root_ends_with() -> None:
    assert ended_with({"messages": [AIMessage("4")]}) == ([AIMessage("4")], True)
    assert ended_with(AIMessage("4")) == ([AIMessage("4")], False)
    assert ended_with("4") == ([{"role": "assistant", "content": "4"}], False)
    assert ended_with({"text": "4"}) == ([{"role": "assistant", "content": "4"}], False)
    assert ended_with({"x": 1, "__interrupt__": []}) == ([], False)
    assert ended_with(None) == ([], False)


def test_data_that_hold_no_messages_are_told_as_json() -> None:
    assert messages_in([1, 2], "user") == [{"role": "user", "content": "[1,2]"}]
    assert messages_in([object], "user")[0]["content"].startswith("[")  # type: ignore[index,union-attr]
    assert messages_in(0, "assistant") == [{"role": "assistant", "content": "0"}]
