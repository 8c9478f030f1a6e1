"""Real files of LLaMA-Factory become examples, and the rows made of them are the files' own."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

from langdistill.datasets.formats.fitting import find_format, fitted
from langdistill.records import Example


def example_of(row: dict[str, Any]) -> Example:
    """A dialogue in OpenAI's shape: asked first, all else to be learnt."""
    ids, waiting = count(), ""
    messages: list[Any] = []
    for turn in row["conversations"]:
        kind, value = turn["from"], turn["value"]
        if kind == "function_call":
            asked, waiting = json.loads(value), f"call-{next(ids)}"
            function = {"name": asked["name"], "arguments": json.dumps(asked["arguments"], ensure_ascii=False)}
            calls = [{"id": waiting, "type": "function", "function": function}]
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        elif kind == "observation":
            messages.append({"role": "tool", "content": value, "tool_call_id": waiting})
        else:
            messages.append({"role": "user" if kind == "human" else "assistant", "content": value})
    tools = [{"type": "function", "function": one} for one in json.loads(row["tools"])]
    return Example(messages=messages[:1], target=messages[1:], tools=tools, problem="p", trace="t")


def test_the_rows_are_the_originals(data: Path) -> None:
    originals = json.loads((data / "llamafactory_demo" / "glaive_toolcall_en_demo.json").read_text())
    sharegpt, openai = find_format("sharegpt"), find_format("openai")
    rows = [one.row for row in originals for one in fitted(sharegpt, example_of(row))]
    assert len(rows) == 300
    assert rows == originals
    calls = sum(turn["from"] == "function_call" for row in rows for turn in row["conversations"])
    others = [one.row for row in originals for one in fitted(openai, example_of(row))]
    assert calls == sum("tool_calls" in message for row in others for message in row["messages"]) == 211


def test_thinking_and_parallel_calls_have_the_shape_that_its_readers_look_for(data: Path) -> None:
    """The other file tells thinking and calls apart in blocks; ShareGPT has one text for both."""
    lines = (data / "llamafactory_demo" / "reason_tool_use_demo_50.jsonl").read_text().splitlines()
    thoughts = parallel = 0
    for line in lines:
        for message in json.loads(line)["messages"]:
            blocks = {
                kind: [b["value"] for b in message["content"] if b["type"] == kind] for kind in ("reasoning", "text")
            }
            calls = [json.loads(b["value"]) for b in message["content"] if b["type"] == "tool_call"]
            if message["role"] != "assistant" or len(calls) == 1:
                continue
            said: Any = {
                "role": "assistant",
                "content": "".join(blocks["text"]),
                "reasoning_content": blocks["reasoning"][0],
            }
            asked = [
                {"id": str(at), "type": "function", "function": {**one, "arguments": json.dumps(one["arguments"])}}
                for at, one in enumerate(calls)
            ]
            target: Any = [{**said, "tool_calls": asked} if asked else said]
            question: Any = [{"role": "user", "content": "?"}]
            [row] = fitted(find_format("sharegpt"), Example(messages=question, target=target, problem="p", trace="t"))
            turn = row.row["conversations"][1]
            before, _, rest = turn["value"].partition("\n</think>\n\n")
            assert before == "<think>\n" + blocks["reasoning"][0]
            if calls:
                assert (turn["from"], json.loads(rest)) == ("function_call", calls)
                parallel += 1
            else:
                assert (turn["from"], rest) == ("gpt", "".join(blocks["text"]))
            thoughts += 1
    assert (len(lines), thoughts, parallel) == (50, 71, 12)
