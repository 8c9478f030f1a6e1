"""Whatever an example holds: each format gives it back whole, or says that it does not fit."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langdistill.datasets.formats.fitting import find_format, fitted
from langdistill.datasets.formats.unfit import Unfit
from langdistill.records import Example
from tests.datasets.formats.examples import facts

TEXTS = st.sampled_from(
    ["", "yes", "Zürich 🌧", "<think>\nhm\n</think>\n\nyes", "<tool_call>{}</tool_call>", "\n</tool_response>\n<tool_response>\n",
     '{"name": "f", "arguments": {}}', "null", "\x00\u2028"]
) | st.text(max_size=8)  # fmt: skip
BLOCKS = st.lists(TEXTS | st.builds(lambda text: {"type": "text", "text": text}, TEXTS), min_size=1, max_size=2)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(TEXTS, VALUES, max_size=3).map(json.dumps) | st.sampled_from(["", "{broken", "[]", "null"])


@st.composite
def turns(draw: Any) -> list[dict[str, Any]]:
    """A reply; or calls, their results in any order, and a reply."""
    reply: dict[str, Any] = {"role": "assistant", "content": draw(TEXTS | BLOCKS)}
    if draw(st.booleans()):
        reply["reasoning_content"] = draw(TEXTS)
    if draw(st.booleans()):
        return [reply]
    ids = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    named = [{"name": draw(st.sampled_from(["f", "g"])), "arguments": draw(ARGUMENTS)} for _ in ids]
    calls = [{"id": id, "type": "function", "function": one} for id, one in zip(ids, named, strict=True)]
    asking: dict[str, Any] = {"role": "assistant", "content": draw(st.none() | TEXTS), "tool_calls": calls}
    results = [
        {"role": "tool", "content": draw(TEXTS | BLOCKS), "tool_call_id": id} for id in draw(st.permutations(ids))
    ]
    return [asking, *results, reply]


@st.composite
def examples(draw: Any) -> Example:
    system: list[dict[str, Any]] = [{"role": "system", "content": draw(TEXTS)}] if draw(st.booleans()) else []
    user: Any = st.builds(lambda text: {"role": "user", "content": text}, TEXTS | BLOCKS)
    earlier = [draw(user), *draw(turns())] if draw(st.booleans()) else []
    prompt: Any = [*system, *earlier, draw(user)]
    target: Any = draw(turns())
    return Example(
        messages=prompt,
        target=target,
        rejected=draw(st.none() | turns()),
        good=draw(st.none() | st.booleans()),
        privileged=draw(st.none() | TEXTS),
        problem="p",
        trace="t",
    )


REASONS: dict[str, set[str]] = {
    "trl": set(),
    "trl_messages": {"prompt-has-replies"},
    "trl_preference": {"no-rejected", "same-answers"},
    "trl_unpaired": {"no-label"},
    "privileged_context": {"no-privileged-context"},
    "openai": {"reasoning-lost", "empty-reply"},
    "openai_preference": {"reasoning-lost", "empty-reply", "no-rejected", "same-answers", "not-one-reply"},
    "sharegpt": {"prompt-has-replies", "not-one-reply", "text-beside-calls", "ids-lost", "messages-lost",
                 "tool-calls-lost", "reasoning-lost", "content-lost"},
}  # fmt: skip


def conversations(name: str, of: Example) -> list[Any]:
    pair = [*of.messages, *of.target], [*of.messages, *(of.rejected or ())]
    if name in ("trl_preference", "openai_preference"):
        return [[*pair[0], *(of.rejected or ())]]
    return list(pair) if name == "trl_unpaired" and of.rejected else [pair[0]]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("trl", {}), ("trl_messages", {}), ("trl_preference", {}), ("trl_unpaired", {}), ("privileged_context", {}),
        ("openai", {}), ("openai_preference", {}), ("sharegpt", {}), ("sharegpt", {"text_beside_calls": True}),
        ("sharegpt", {"mask_history": True}),
    ],
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(of=examples())
def test_whole_or_unfit(name: str, options: dict[str, Any], of: Example) -> None:
    format = find_format(name, **options)
    try:
        rows = fitted(format, of)
    except Unfit as unfit:
        if unfit.reason not in REASONS[name]:
            raise
        return
    ids = name != "sharegpt"
    expected = conversations(name, of)
    if name == "sharegpt":  # thinking in tags is thinking
        expected = format.says(of)
    found = [format.read(orjson.loads(one.line)) for one in rows]
    assert [facts(one, ids=ids) for one in found] == [facts(one, ids=ids) for one in expected]
