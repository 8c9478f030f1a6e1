"""Examples that formats are tried on, and tokenizers with real chat templates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from langdistill.records import Example

ENDS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|user|>")


def call(id: str, name: str, arguments: Any) -> dict[str, Any]:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": id, "type": "function", "function": {"name": name, "arguments": written}}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": f"The {name}.", "parameters": schema}}


def example(*target: Any, prompt: Any = None, **fields: Any) -> Example:
    asked = [{"role": "user", "content": "Is it raining in Zürich? 🌧"}] if prompt is None else prompt
    said = list(target) or [{"role": "assistant", "content": "Yes."}]
    return Example(messages=asked, target=said, problem="p", trace="t", **fields)


WEATHER, TIME = tool("weather", city={"type": "string"}), tool("time")
ASKS_BOTH: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [call("a", "weather", '{"z": "Zürich \\"x\\"", "a": [1, 2.5, null]}'), call("b", "time", "{}")],
}
RAIN: Any = {"role": "tool", "content": "rain: 100 %", "tool_call_id": "a", "name": "weather"}
NOON: Any = {"role": "tool", "content": "12:00", "tool_call_id": "b", "name": "time"}
REPLY: Any = {"role": "assistant", "content": "It rains."}

AGENT = example(
    ASKS_BOTH, RAIN, NOON, REPLY,
    prompt=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather and time?"}],
    tools=[WEATHER, TIME],
)  # fmt: skip
THINKS = example({**REPLY, "reasoning_content": "I look outside."})


def facts(messages: Sequence[Mapping[str, Any]], *, ids: bool = True) -> list[Any]:
    """What messages say, computed apart from the package."""
    found: list[Any] = []
    for one in messages:
        content = one["content"]
        if isinstance(content, list):
            content = "".join(block if isinstance(block, str) else block["text"] for block in content)
        calls = [(c["function"]["name"], _value(c["function"]["arguments"])) for c in one.get("tool_calls") or ()]
        named = [c["id"] for c in one.get("tool_calls") or ()] if ids else []
        of = one.get("tool_call_id") if ids else None
        found.append((one["role"], content or "", one.get("reasoning_content") or "", calls, named, of))
    return found


def _value(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        value = json.loads(arguments) if arguments.strip() else None
    except ValueError:
        return arguments
    return {} if value is None else value  # to ask with nothing is to ask without arguments


@cache
def tokenizer(template: str, *, pad: str = "<|endoftext|>", vocabulary: int = 300) -> Any:
    """A byte-level BPE of the test's own, with a chat template that TRL ships for a real model."""
    import trl
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe: Any = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    wanted = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=list(ENDS), initial_alphabet=alphabet)
    bpe.train_from_iterator(["hello"], wanted)
    made: Any = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token=pad)
    templates = Path(trl.__file__).parent / "chat_templates"
    made.chat_template = (templates / f"{template}.jinja").read_text(encoding="utf-8")
    return made
