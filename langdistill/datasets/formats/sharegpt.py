"""ShareGPT rows as LLaMA-Factory reads them (`"formatting": "sharegpt"` in its `dataset_info.json`).

Its turns must alternate: `human` or `observation`, then `gpt` or `function_call`; the loss is on the latter two. Several calls
of one message are a JSON list. Their results are one observation, joined by what LLaMA-Factory's own reader of OpenAI messages
puts between them. Thinking stands before the text in `<think>` tags, which its reasoning templates look for. Ids have no place,
so results must be in the order of their calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langdistill.datasets.formats.fitting import Format
from langdistill.datasets.formats.surviving import calls_of, plain
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example, Message

BETWEEN_RESULTS = "\n</tool_response>\n<tool_response>\n"
THINKING = re.compile(r"<think>\n(.*?)\n</think>\n\n", re.DOTALL)
CALLS = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
ASKING, REPLYING = {"human", "observation"}, {"gpt", "function_call"}


@dataclass(frozen=True)
class ShareGPT(Format):
    """`conversations`, `tools` (JSON text) and, where there is one, `system`."""

    has_ids: ClassVar[bool] = False

    mask_history: bool = False
    text_beside_calls: bool = False

    def rows(self, example: Example) -> list[dict[str, Any]]:
        """One row.

        Raises:
            Unfit: "prompt-has-replies": they would be learnt; "not-one-reply": only the last one would be learnt;
                "text-beside-calls": a message has both (LlamaFactory#9107); "system-not-first"; "turns-do-not-alternate";
                "not-text"; "no-function": a call of another kind.
        """
        self._check_mask(example)
        messages = [*example.messages, *example.target]
        system = [str(_text(one)) for one in messages[:1] if one["role"] == "system"]
        turns = self._turns(messages[len(system) :])
        expected = [ASKING, REPLYING] * (len(turns) // 2)
        if len(turns) % 2 or any(one["from"] not in kinds for one, kinds in zip(turns, expected, strict=True)):
            raise Unfit("turns-do-not-alternate")
        functions = [tool.get("function", tool) for tool in example.tools]
        row = {"conversations": turns, "tools": json.dumps(functions, ensure_ascii=False)}
        return [row | ({"system": system[0]} if system else {})]

    def read(self, row: dict[str, Any]) -> list[Message]:
        """The messages, with numbers as ids."""
        found: list[Message] = []
        if "system" in row:
            found.append({"role": "system", "content": row["system"]})
        waiting: list[str] = []
        for turn in row["conversations"]:
            if turn["from"] == "observation":
                for at, text in enumerate(turn["value"].split(BETWEEN_RESULTS)):
                    asked = waiting[at] if at < len(waiting) else ""
                    found.append({"role": "tool", "content": text, "tool_call_id": asked})
            else:
                found.append(_read(turn, len(found)))
                waiting = [call["id"] for call in found[-1].get("tool_calls", ())]
        return found

    def says(self, example: Example) -> list[list[Message]]:
        """The messages; thinking that stands in tags within the text is thinking."""
        return [[_parted(one) for one in (*example.messages, *example.target)]]

    def _check_mask(self, example: Example) -> None:
        learnt = [one["role"] for one in example.target].count("assistant")
        if self.mask_history and (learnt != 1 or example.target[-1]["role"] != "assistant"):
            raise Unfit("not-one-reply")
        if not self.mask_history and any(one["role"] == "assistant" for one in example.messages):
            raise Unfit("prompt-has-replies")

    def _turns(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        turns: list[dict[str, str]] = []
        for before, one in zip([None, *messages], messages, strict=False):
            if one["role"] == "system":
                raise Unfit("system-not-first")
            turn = self._turn(one)
            if before and before["role"] == one["role"] == "tool":
                turns[-1]["value"] += BETWEEN_RESULTS + turn["value"]
            else:
                turns.append(turn)
        return turns

    def _turn(self, message: Message) -> dict[str, str]:
        text, calls = _text(message), calls_of(message)
        if message["role"] != "assistant":
            return {"from": "human" if message["role"] == "user" else "observation", "value": text}
        thinking = message.get("reasoning_content")
        before = f"<think>\n{thinking}\n</think>\n\n" if thinking else ""
        if not calls:
            return {"from": "gpt", "value": before + text}
        if any(not name for name, _ in calls):
            raise Unfit("no-function")
        asked = [{"name": name, "arguments": arguments} for name, arguments in calls]
        written = json.dumps(asked[0] if len(asked) == 1 else asked, ensure_ascii=False)
        if text and not self.text_beside_calls:
            raise Unfit("text-beside-calls")
        return {
            "from": "function_call",
            "value": before + (f"{text}<tool_call>{written}</tool_call>" if text else written),
        }


def sharegpt(*, mask_history: bool = False, text_beside_calls: bool = False) -> ShareGPT:
    """Rows for LLaMA-Factory.

    Args:
        mask_history: for a training with `mask_history: true`, in which the last reply alone is learnt: earlier ones may then be
            in the prompt.
        text_beside_calls: write a message with both text and calls with the calls in `<tool_call>` tags, as releases of
            LLaMA-Factory from 2026 on read them; earlier ones cannot hold it.
    """
    return ShareGPT(mask_history, text_beside_calls)


def _text(message: Message) -> str:
    text = plain(message["content"])
    if not isinstance(text, str):
        raise Unfit("not-text")
    return text


def _read(turn: dict[str, str], number: int) -> Message:
    if turn["from"] == "human":
        return {"role": "user", "content": turn["value"]}
    said = _parted({"role": "assistant", "content": turn["value"]})
    if turn["from"] == "gpt":
        return said
    value = str(said["content"])
    tagged = CALLS.search(value)  # anywhere, as LLaMA-Factory looks for it
    said["content"] = value.replace(tagged[0], "") if tagged else None
    try:
        asked = json.loads(tagged[1] if tagged else value)
    except ValueError as error:
        raise Unfit("tool-calls-lost") from error
    said["tool_calls"] = [
        {"id": f"{number}-{at}", "type": "function", "function": one}
        for at, one in enumerate(asked if isinstance(asked, list) else [asked])
    ]
    return said


def _parted(message: Message) -> Message:
    text = plain(message["content"])
    if message["role"] != "assistant" or message.get("reasoning_content") or not isinstance(text, str):
        return message
    thought = THINKING.match(text)
    return {**message, "reasoning_content": thought[1], "content": text[thought.end() :]} if thought else message
