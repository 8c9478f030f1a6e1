from __future__ import annotations

import json
import random
import zlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langdistill.errors import StoreError
from langdistill.records import (
    Call,
    Feedback,
    Handoff,
    Interrupt,
    Message,
    Reply,
    Search,
    Step,
    Thought,
    ToolRun,
    Trace,
    Usage,
)
from langdistill.stores.body import VERSION, decode, encode, from_json, to_json
from langdistill.testing.store_conformance import full

TEXT = st.one_of(
    st.sampled_from(["", "a", "agent", "\x00", "\ud800", "\U0001f600", "Grüße\u2028"]),
    st.text(st.characters(exclude_categories=()), max_size=8),
)
NUMBER = st.floats(allow_nan=False) | st.integers(0, 2_000_000_000).map(float)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MAYBE = st.none() | TEXT
NAMES = st.sampled_from(["model", "agent", "f"])
TIME = st.floats(min_value=1e-9) | st.integers(0, 2_000_000_000).map(float)
"""-0.0 is not told from the default, 0.0."""
SOME_NUMBER = st.none() | st.integers(0, 3)


@st.composite
def messages(draw: Any) -> Message:
    """Few different ones, so that they recur, with and without a name."""
    said: dict[str, Any] = {
        "role": draw(st.sampled_from(["system", "user", "assistant", "tool"])),
        "content": draw(st.none() | TEXT | st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2)),
    }
    for name, values in {
        "name": NAMES | TEXT,
        "tool_calls": st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2),
        "tool_call_id": TEXT,
        "reasoning_content": TEXT,
    }.items():
        if draw(st.integers(0, 3)) == 0:
            said[name] = draw(values)
    return said  # type: ignore[return-value]


OUTCOME = st.sampled_from(["ended", "failed", "interrupted", "handed-off", "cancelled", "lost"])


@st.composite
def traces(draw: Any) -> Trace:
    pool = draw(st.lists(messages(), min_size=1, max_size=5))
    pool += [{**one, "name": draw(NAMES)} for one in pool if draw(st.booleans())]
    some = st.lists(st.sampled_from(pool), max_size=6)
    tools = st.sampled_from(
        draw(st.lists(st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2), min_size=1, max_size=2))
    )
    reply = st.builds(
        Reply, message=st.sampled_from(pool), finish_reason=MAYBE, logprobs=st.none() | st.lists(JSON, max_size=2),
        partial=st.booleans(),
    )  # fmt: skip
    call = st.builds(
        Call, id=TEXT, step=SOME_NUMBER, parent=SOME_NUMBER, path=TEXT, node=MAYBE, branch=SOME_NUMBER, strategy=MAYBE,
        candidate=st.booleans(), hint=MAYBE, retries=SOME_NUMBER, cached=st.booleans(), model=MAYBE, provider=MAYBE, tools=tools,
        params=st.dictionaries(TEXT, JSON, max_size=2), prompt=some, replies=st.lists(reply, max_size=3),
        usage=st.builds(Usage, input_tokens=st.integers(0, 9), output_tokens=st.integers(0, 9)),
        started=TIME, first_token=st.none() | TIME, ended=TIME, error=MAYBE,
    )  # fmt: skip
    step = st.builds(
        Step, name=TEXT, path=TEXT, parent=SOME_NUMBER, agent=MAYBE, branch=SOME_NUMBER, attempt=st.integers(1, 3),
        started=TIME, ended=TIME, outcome=OUTCOME, error=MAYBE,
    )  # fmt: skip
    run = st.builds(
        ToolRun, id=TEXT, name=TEXT, step=SOME_NUMBER, call=SOME_NUMBER, tool_call_id=MAYBE, path=TEXT, arguments=JSON,
        output=JSON | st.sampled_from(pool), started=TIME, ended=TIME, error=MAYBE,
    )  # fmt: skip
    thought = st.builds(
        Thought, parent=SOME_NUMBER, action=TEXT, text=TEXT, answer=MAYBE, reward=st.none() | TIME, visits=st.integers(0, 9),
        value=TIME, agreed=st.integers(0, 4), completed=st.integers(0, 4),
    )  # fmt: skip
    search = st.builds(Search, step=SOME_NUMBER, thoughts=st.lists(thought, max_size=4), chosen=SOME_NUMBER)
    return draw(
        st.builds(
            Trace, id=TEXT, source=MAYBE, name=TEXT, strategy=MAYBE, thread=MAYBE, user=MAYBE, continues=MAYBE, resume=JSON,
            input=some, earlier=st.integers(0, 3), output=some, answer=MAYBE, steps=st.lists(step, max_size=3),
            calls=st.lists(call, max_size=4), tool_runs=st.lists(run, max_size=3),
            interrupts=st.lists(st.builds(Interrupt, id=TEXT, value=JSON, path=TEXT), max_size=2),
            handoffs=st.lists(st.builds(Handoff, source=TEXT, target=TEXT), max_size=2),
            searches=st.lists(search, max_size=2), tags=st.lists(TEXT, max_size=2), metadata=st.dictionaries(TEXT, JSON, max_size=3),
            versions=st.dictionaries(TEXT, TEXT, max_size=2), consent=MAYBE, licence=MAYBE, started=TIME, ended=TIME,
            outcome=OUTCOME, error=MAYBE, lost=st.integers(0, 3),
        )
    )  # fmt: skip


def exact(value: Any) -> str:
    """Tells 1 from 1.0 and True, which `==` does not."""
    return json.dumps(value.model_dump(), sort_keys=True)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(traces())
def test_any_trace_comes_back_as_it_was(trace: Trace) -> None:
    for level in (0, 6):
        assert exact(decode(encode(trace, level))) == exact(trace)


def test_what_equals_in_python_and_not_in_json_stays_apart() -> None:
    values = [1, True, 1.0, 0, False, -0.0, None, float("inf"), 2**80]
    prompts = [Call(id="c", prompt=[{"role": "user", "content": [value]}], params={"x": value}) for value in values]
    trace = Trace(id="t", calls=prompts)
    assert exact(decode(encode(trace))) == exact(trace)
    odd = Trace(id="t", metadata={"nan": float("nan")})
    assert exact(decode(encode(odd))) == exact(odd)


def test_feedback_and_expiry_are_not_in_it() -> None:
    trace = full().model_copy(update={"feedback": [Feedback(score=1.0)], "expires": 5.0})
    assert decode(encode(trace)) == full()


def agent_run(turns: int, size: int) -> Trace:
    """An agent that calls a tool each turn: every prompt holds all before it, with the agent's name on its own messages."""
    dice = random.Random(7)

    def text(length: int) -> str:
        return "".join(dice.choices("etaoin shrdlu cmfwyp", k=length))

    def an_id() -> str:
        return str(UUID(int=dice.getrandbits(128)))

    tools = [{"type": "function", "function": {"name": f"f{at}", "description": text(200)}} for at in range(4)]
    history: list[Any] = [{"role": "system", "content": text(size)}, {"role": "user", "content": text(size)}]
    calls, runs, steps, now = [], [], [], 1763733015.0
    for at in range(turns):
        asked = {
            "id": an_id(),
            "type": "function",
            "function": {"name": "f1", "arguments": json.dumps({"q": text(size // 2)})},
        }
        said: Any = {"role": "assistant", "content": text(size // 2), "tool_calls": [asked]}
        times = sorted(now + dice.random() for _ in range(5))
        calls.append(
            Call(id=an_id(), step=2 * at, path="model", node="model", model="m", params={"temperature": 0.7}, tools=tools,
                 prompt=json.loads(json.dumps(history)), replies=[Reply(message=said, finish_reason="tool_calls")],
                 usage=Usage(input_tokens=100 * at, output_tokens=at), started=times[0], ended=times[1])
        )  # fmt: skip
        told = {"role": "tool", "content": text(size), "tool_call_id": asked["id"], "name": "f1"}
        runs.append(
            ToolRun(id=an_id(), name="f1", step=2 * at + 1, call=at, tool_call_id=asked["id"], path="tools", output=dict(told),
                    arguments=json.loads(asked["function"]["arguments"]), started=times[2], ended=times[3])
        )  # fmt: skip
        steps += [Step(name=name, path=name, started=times[0], ended=times[4]) for name in ("model", "tools")]
        history += [{**said, "name": "agent"}, told]
        now += 1
    return Trace(
        id=an_id(), name="agent", input=history[1:2], output=history[2:], calls=calls, tool_runs=runs, steps=steps
    )


def distinct(trace: Trace) -> int:
    """Bytes of its distinct messages; one that comes back with the agent's name is the same."""
    every = [*trace.input, *trace.output, *(one for call in trace.calls for one in call.prompt)]
    known = {
        to_json({key: value for key, value in one.items() if key != "name" or one["role"] == "tool"}) for one in every
    }
    return sum(map(len, known))


@pytest.mark.parametrize("size", [200, 1000])
def test_bytes_do_not_grow_with_the_history(size: int) -> None:
    short, long = agent_run(25, size), agent_run(50, size)
    assert decode(encode(long)) == long
    assert len(encode(long)) <= 1.3 * distinct(long), "the goal of the project"
    assert len(encode(long, 0)) <= 2.5 * distinct(long)
    assert len(encode(long, 0)) <= 2.1 * len(encode(short, 0)), "twice the turns, twice the bytes"
    assert len(encode(long)) <= 2.3 * len(encode(short))
    assert len(to_json(long.model_dump(exclude_defaults=True))) > 10 * len(encode(long, 0))


def test_every_message_is_there_once() -> None:
    once = Trace(
        id="t",
        input=[{"role": "user", "content": "only once"}],
        calls=[
            Call(
                id="c",
                prompt=[{"role": "user", "content": "only once"}],
                replies=[Reply(message={"role": "assistant", "content": "this too"})],
            )
        ],
        output=[{"role": "assistant", "content": "this too", "name": "agent"}],
        tool_runs=[ToolRun(id="r", name="f", output={"content": "only once", "role": "user"})],
    )
    told = zlib.decompress(encode(once))
    assert told.count(b"only once") == told.count(b"this too") == 1
    assert decode(encode(once)) == once


def test_version_1_is_read() -> None:
    old = '{"id":"t","name":"g","interrupted":true,"calls":[{"id":"c","prompt":[{"role":"user","content":"Q"}]}]}'
    trace = decode(old.encode())
    assert (trace.version, trace.outcome, trace.calls[0].prompt) == (
        2,
        "interrupted",
        [{"role": "user", "content": "Q"}],
    )
    assert decode(b'{"id":"t","error":"RuntimeError()"}').outcome == "failed"
    assert decode(b'{"id":"t","version":1,"interrupted":false}').outcome == "ended"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "damaged"),
        (b"neither", "damaged"),
        (encode(full())[:-20], "damaged"),
        (zlib.compress(b"[1]"), "damaged"),
        (zlib.compress(b'{"body":2,"id":"t","input":[7]}'), "damaged"),
        (zlib.compress(b'{"body":2,"id":"t","extra":1}'), "Extra inputs are not permitted"),
        (zlib.compress(f'{{"body":{VERSION + 1}}}'.encode()), "encoded as version 3, and 2 is known here"),
    ],
)
def test_damage_is_told(data: bytes, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        decode(data)


def read_or_told(data: bytes) -> Trace | str:
    try:
        return decode(data)
    except StoreError as error:
        return str(error)


@settings(max_examples=200, deadline=None)
@given(st.integers(0), st.binary(min_size=1, max_size=4))
def test_a_damaged_body_is_read_or_told_and_never_crashes(at: int, noise: bytes) -> None:
    body = zlib.decompress(encode(full()))
    at %= len(body)
    read = read_or_told(zlib.compress(body[:at] + noise + body[at + len(noise) :]))
    if isinstance(read, str):
        assert read.startswith(("It is damaged, or was written by another version: ", "It is encoded as version "))
    else:
        assert encode(decode(encode(read))) == encode(read)


@given(JSON)
def test_json_holds_everything(value: Any) -> None:
    assert from_json(to_json(value)) == value
