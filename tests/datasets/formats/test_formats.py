from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from langdistill.datasets.formats.fitting import Format, find_format, fitted, format_names
from langdistill.datasets.formats.trl import Trl
from langdistill.datasets.formats.unfit import Unfit
from langdistill.errors import UnknownName
from langdistill.records import Example
from tests.datasets.formats.examples import AGENT, ASKS_BOTH, RAIN, REPLY, THINKS, TIME, WEATHER, call, example

PLAIN = example()
PAIR = example(rejected=[{"role": "assistant", "content": "No."}], margin=0.5)
HISTORY = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "?"},
]
BOTH = example(
    {**REPLY, "tool_calls": [call("a", "time", {})]}, {"role": "tool", "content": "", "tool_call_id": "a"}, REPLY
)


def row_of(name: str, of: Example, **settings: Any) -> dict[str, Any]:
    [one] = fitted(find_format(name, **settings), of)
    assert orjson.loads(one.line) == one.row
    return one.row


def test_every_file_is_a_format() -> None:
    assert format_names() == [
        "openai", "openai_preference", "privileged_context", "sharegpt", "top_k_logprobs", "trl", "trl_messages",
        "trl_preference", "trl_stepwise", "trl_unpaired",
    ]  # fmt: skip
    assert [find_format(name).name for name in format_names()] == format_names()
    with pytest.raises(UnknownName, match="There is no format named 'alpaca'"):
        find_format("alpaca")


def test_trl_hands_templates_objects_and_texts_in_their_order() -> None:
    row = row_of("trl", AGENT)
    assert list(row) == ["prompt", "completion", "problem", "tools"]
    asked = row["completion"][0]
    assert asked["content"] == "", "most templates would print None"
    assert list(asked["tool_calls"][0]["function"]["arguments"].items()) == [("z", 'Zürich "x"'), ("a", [1, 2.5, None])]
    assert json.dumps(row["tools"]) == json.dumps([WEATHER, TIME]), "templates print schemas as they come"
    blocks = example(prompt=[{"role": "user", "content": ["Is ", {"type": "text", "text": "it?"}]}])
    assert row_of("trl", blocks)["prompt"] == [{"role": "user", "content": "Is it?"}]
    assert row_of("trl", example(weight=0.25))["weight"] == 0.25
    assert row_of("trl_messages", AGENT) == {
        "messages": [*row["prompt"], *row["completion"]], "problem": "p", "tools": [WEATHER, TIME],
    }  # fmt: skip


def test_arguments_that_are_no_json_stay_as_they_were() -> None:
    odd = example({"role": "assistant", "content": None, "tool_calls": [call("a", "time", "{now")]})
    assert row_of("trl", odd)["completion"][0]["tool_calls"][0]["function"]["arguments"] == "{now"
    empty = example({"role": "assistant", "content": None, "tool_calls": [call("a", "time", "")]})
    assert row_of("trl", empty)["completion"][0]["tool_calls"][0]["function"]["arguments"] == {}


def test_preferences() -> None:
    yes, no = [{"role": "assistant", "content": "Yes."}], [{"role": "assistant", "content": "No."}]
    assert row_of("trl_preference", PAIR) == {
        "prompt": PAIR.messages, "chosen": yes, "rejected": no, "margin": 0.5, "problem": "p",
    }  # fmt: skip
    good, bad = (one.row for one in fitted(find_format("trl_unpaired"), PAIR))
    assert (good["completion"], good["label"]) == (yes, True)
    assert (bad["completion"], bad["label"]) == (no, False)
    assert row_of("trl_unpaired", example(good=False))["label"] is False
    assert row_of("openai_preference", PAIR) == {
        "input": {"messages": PAIR.messages}, "preferred_output": yes, "non_preferred_output": no,
    }  # fmt: skip


def test_steps() -> None:
    judged = example({"role": "assistant", "content": "1+1=2\n2+2=5"}, steps=[("1+1=2", True), ("2+2=5", False)])
    assert row_of("trl_stepwise", judged) == {
        "prompt": "Is it raining in Zürich? 🌧",
        "completions": ["1+1=2", "2+2=5"],
        "labels": [True, False],
        "problem": "p",
    }


def test_openai() -> None:
    row = row_of("openai", AGENT)
    assert row["messages"][2] == ASKS_BOTH
    assert row["messages"][3] == {"role": "tool", "content": "rain: 100 %", "tool_call_id": "a"}
    assert (row["tools"], row["parallel_tool_calls"]) == ([WEATHER, TIME], True)
    weights = [one.get("weight") for one in row_of("openai", example(prompt=HISTORY))["messages"]]
    assert weights == [None, 0, None, 1]
    assert row_of("openai", THINKS, drop_reasoning=True)["messages"][-1] == REPLY


def test_openai_ends_with_the_last_reply() -> None:
    """The results of its calls teach nothing, and the API wants a reply there."""
    assert row_of("openai", example(ASKS_BOTH, RAIN))["messages"][-1] == ASKS_BOTH


def test_log_probabilities() -> None:
    def said(token: str, logprob: float, *top: tuple[str, float]) -> dict[str, Any]:
        others = [{"token": other, "logprob": value} for other, value in top]
        return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": others}

    tokens = [said("Ye", -0.1, ("Ye", -0.1), ("No", -2.0), ("?", float("-inf"))), said("s.", -0.5), said("<end>", 0.0)]
    row = row_of("top_k_logprobs", example(logprobs=tokens, model="teacher-7b"))
    assert row["tokenizer"] == "teacher-7b"
    assert [(one["token"], one["logprob"], len(one["top_logprobs"])) for one in row["logprobs"]] == [
        ("Ye", -0.1, 2), ("s.", -0.5, 0), ("<end>", 0.0, 0),
    ]  # fmt: skip
    told = row_of("top_k_logprobs", example(logprobs=tokens, model="m", tokenizer="Qwen/Qwen3-32B"))
    assert told["tokenizer"] == "Qwen/Qwen3-32B"
    named = row_of("top_k_logprobs", example(logprobs=tokens, model="m"), tokenizer="Qwen/Qwen3-0.6B")
    assert named["tokenizer"] == "Qwen/Qwen3-0.6B"


def test_privileged_context() -> None:
    row = row_of("privileged_context", example(privileged="It is wet outside."))
    assert (row["prompt"], row["privileged_context"]) == (PLAIN.messages, "It is wet outside.")


LOGPROB = {"token": "Yes.", "logprob": -0.1}


@pytest.mark.parametrize(
    ("format", "settings", "of", "reason"),
    [
        ("trl", {}, example(prompt=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]), "not-text"),
        ("trl", {}, example({"role": "assistant", "content": "\ud800"}), "not-json"),
        ("trl", {}, example({"role": "assistant", "content": "", "tool_calls": [call("a", "f", "[1" + "0" * 30 + "]")]}), "not-json"),
        ("trl", {}, example({"role": "assistant", "content": "", "tool_calls": [call("a", "f", '{"x": NaN}')]}), "not-json"),
        ("trl_messages", {}, example(prompt=HISTORY), "prompt-has-replies"),
        ("trl", {}, example({"role": "tool", "content": "rain", "tool_call_id": "a"}), "no-reply"),
        ("trl_preference", {}, PLAIN, "no-rejected"),
        ("trl_preference", {}, example(rejected=PLAIN.target), "same-answers"),
        ("trl_unpaired", {}, PLAIN, "no-label"),
        ("trl_stepwise", {}, PLAIN, "no-steps"),
        ("trl_stepwise", {}, example(steps=[("Yes.", None)]), "unjudged-steps"),
        ("trl_stepwise", {}, example(steps=[("Certainly.", True)]), "steps-differ"),
        ("trl_stepwise", {}, example(steps=[("Yes.", True)], prompt=HISTORY), "not-one-question"),
        ("openai", {}, THINKS, "reasoning-lost"),
        ("openai", {}, example(RAIN), "no-reply"),
        ("openai", {"parallel_tool_calls": False}, AGENT, "parallel-tool-calls"),
        ("openai", {}, example({"role": "assistant", "content": None}), "empty-reply"),
        ("openai_preference", {}, PLAIN, "no-rejected"),
        ("openai_preference", {}, example(ASKS_BOTH, RAIN, REPLY, rejected=[REPLY]), "not-one-reply"),
        ("top_k_logprobs", {}, PLAIN, "no-logprobs"),
        ("top_k_logprobs", {}, example(logprobs=[{**LOGPROB, "bytes": [300]}], model="m"), "no-logprobs"),
        ("top_k_logprobs", {}, example(logprobs=[LOGPROB]), "no-tokenizer"),
        ("top_k_logprobs", {}, example(logprobs=[{**LOGPROB, "logprob": float("-inf")}], model="m"), "logprobs-not-finite"),
        ("top_k_logprobs", {}, example(logprobs=[{**LOGPROB, "token": "No."}], model="m"), "logprobs-differ"),
        ("privileged_context", {}, PLAIN, "no-privileged-context"),
        ("privileged_context", {}, example(prompt=[*HISTORY, REPLY], privileged="x"), "ends-without-question"),
        ("sharegpt", {}, example(prompt=HISTORY), "prompt-has-replies"),
        ("sharegpt", {"mask_history": True}, AGENT, "not-one-reply"),
        ("sharegpt", {}, BOTH, "text-beside-calls"),
        ("sharegpt", {}, example(REPLY, REPLY), "turns-do-not-alternate"),
        ("sharegpt", {}, example(REPLY, {"role": "system", "content": "x"}, REPLY), "system-not-first"),
        ("sharegpt", {}, example(prompt=[{"role": "user", "content": "x", "name": "ada"}]), "names-lost"),
        ("sharegpt", {}, example(ASKS_BOTH, {**RAIN, "tool_call_id": "b"}, {**RAIN, "tool_call_id": "a"}, REPLY), "ids-lost"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_unfit(format: str, settings: dict[str, Any], of: Example, reason: str) -> None:
    with pytest.raises(Unfit) as told:
        fitted(find_format(format, **settings), of)
    assert told.value.reason == reason


@dataclass(frozen=True)
class Forgetful(Trl):
    """A format with a defect."""

    forgets: str = ""

    def rows(self, example: Example) -> list[dict[str, Any]]:
        [row] = super().rows(example)
        said = [{key: value for key, value in one.items() if key != self.forgets} for one in row["completion"]]
        return [row | {"completion": said}]


@pytest.mark.parametrize(
    ("forgets", "of", "reason"),
    [
        ("reasoning_content", THINKS, "reasoning-lost"),
        ("tool_calls", AGENT, "tool-calls-lost"),
        ("tool_call_id", AGENT, "ids-lost"),
    ],
)
def test_a_format_that_loses_something_is_found_out(forgets: str, of: Example, reason: str) -> None:
    fitted(Forgetful(), of)
    with pytest.raises(Unfit, match=reason):
        fitted(Forgetful(forgets), of)


def test_a_format_of_ones_own_is_taken_as_it_is() -> None:
    mine: Format = Forgetful()
    assert find_format(mine) is mine
    assert mine.params == {"forgets": ""}
