from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.models import Says, asks


def test_reasoning_beside_the_content(recording: Recording) -> None:
    recording.run(Says(AIMessage("4", additional_kwargs={"reasoning_content": "hm"})), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: 4 reasoning_content='hm'
          out assistant: 4 reasoning_content='hm'
    """)


def test_reasoning_in_blocks(recording: Recording) -> None:
    reply = AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "4", "index": 1}])
    recording.run(Says(reply), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: 4 reasoning_content='hm'
          out assistant: 4 reasoning_content='hm'
    """)


def test_reasoning_and_a_tool_call_in_the_blocks_of_anthropic(recording: Recording) -> None:
    blocks: list[Any] = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "Let me add."},
        {"type": "tool_use", "id": "t", "name": "add", "input": {"a": 2, "b": 2}},
    ]
    recording.run(Says(AIMessage(blocks, tool_calls=asks("add", "t", a=2, b=2).tool_calls)), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: Let me add. add({"a":2,"b":2})#t reasoning_content='hm'
          out assistant: Let me add. add({"a":2,"b":2})#t reasoning_content='hm'
    """)


def test_reasoning_in_the_blocks_of_openai(recording: Recording) -> None:
    blocks: list[Any] = [
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "text", "text": "4", "annotations": []},
    ]
    recording.run(Says(AIMessage(blocks)), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: 4 reasoning_content='hm'
          out assistant: 4 reasoning_content='hm'
    """)


def test_blocks_that_are_no_text_are_kept(recording: Recording) -> None:
    blocks: list[Any] = [{"type": "text", "text": "4", "annotations": [{"url": "x"}]}, {"type": "image", "url": "y"}]
    recording.run(Says(AIMessage(blocks)), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: [{'type': 'text', 'text': '4', 'annotations': [{'url': 'x'}]}, {'type': 'image', 'url': 'y'}]
          out assistant: [{'type': 'text', 'text': '4', 'annotations': [{'url': 'x'}]}, {'type': 'image', 'url': 'y'}]
    """)


def test_an_image_in_the_prompt(recording: Recording) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    recording.run(Says("a cat"), [HumanMessage([{"type": "text", "text": "What is it?"}, image])])
    recording.assert_tells("""
        Says
          in user: [{'type': 'text', 'text': 'What is it?'}, {'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,AA=='}}]
          call c0
            < user: [{'type': 'text', 'text': 'What is it?'}, {'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,AA=='}}]
            > assistant: a cat
          out assistant: a cat
    """)


def test_arguments_that_are_no_json_stay_the_text_they_are(recording: Recording) -> None:
    broken: Any = {"name": "add", "args": "{oops", "id": "t", "error": None}
    recording.run(Says(AIMessage("", invalid_tool_calls=[broken])), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: '' add({oops)#t
          out assistant: '' add({oops)#t
    """)


def test_a_lone_surrogate_is_kept_as_the_text_that_escapes_it(recording: Recording) -> None:
    recording.run(Says("lone \ud800 surrogate"), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: lone \\ud800 surrogate
          out assistant: lone \\ud800 surrogate
    """)


@pytest.mark.parametrize("schemas", [[{"type": "function", "function": {"name": "f", "parameters": {}}}]])
def test_what_is_edited_later_is_not_recorded(now: Recording, schemas: list[Any]) -> None:
    question = HumanMessage([{"type": "text", "text": "Q"}])
    reply = now.run(Says("4").bind(tools=schemas), [question])
    question.content[0]["text"] = "changed"  # type: ignore[index]
    schemas[0]["function"]["name"] = "changed"
    reply.content = "changed"
    now.assert_tells("""
        Says
          in user: [{'type': 'text', 'text': 'Q'}]
          call c0 offered=['f']
            < user: [{'type': 'text', 'text': 'Q'}]
            > assistant: 4
          out assistant: 4
    """)
