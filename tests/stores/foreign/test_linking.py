from __future__ import annotations

from typing import Any

from langdistill.stores.foreign.linking import Waiting


def asked(id: str, name: str) -> Any:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def test_a_result_answers_the_call_of_its_id_else_the_first_of_its_name_else_the_first() -> None:
    first, second, third, fourth = asked("a", "add"), asked("b", "add"), asked("c", "ask"), asked("d", "ask")
    waiting = Waiting()
    waiting.ask(0, {"role": "assistant", "content": None, "tool_calls": [first, second]})
    waiting.ask(1, {"role": "assistant", "content": None, "tool_calls": [third, fourth]})
    results: list[Any] = [
        {"role": "tool", "content": "", "tool_call_id": "b"},
        {"role": "tool", "content": "", "name": "ask"},
        {"role": "tool", "content": "", "tool_call_id": "b", "name": "ask"},
        {"role": "tool", "content": "", "tool_call_id": ""},
        {"role": "tool", "content": "", "name": "add"},
    ]
    assert [waiting.answer(one) for one in results] == [(0, second), (1, third), None, (0, first), None]
    assert (waiting.has("add"), waiting.has("ask")) == (False, True)
