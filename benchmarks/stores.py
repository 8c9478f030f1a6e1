"""Bytes of a stored agent run beside those of its distinct messages, and milliseconds per trace of the stores.

python benchmarks/stores.py [--postgres postgresql://user@host/database]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from langdistill.records import Call, Reply, Step, ToolRun, Trace, Usage
from langdistill.stores.body import decode, encode, to_json
from langdistill.stores.opening import open_store
from langdistill.stores.protocol import Store

WORDS = (Path(__file__).parents[1] / "README.md").read_text().split()
"""English to make messages of, no two of them alike."""


def text(dice: random.Random, size: int) -> str:
    return " ".join(dice.choices(WORDS, k=size // 6 + 1))[:size]


def an_id(dice: random.Random) -> str:
    return str(UUID(int=dice.getrandbits(128)))


def agent_run(turns: int, size: int, seed: int = 0) -> Trace:
    """An agent with four tools that calls one each turn; `size` is the characters of a tool's output, twice a reply's."""
    dice = random.Random(seed)
    tools = [{"type": "function", "function": {"name": f"f{at}", "description": text(dice, 200)}} for at in range(4)]
    history: list[Any] = [{"role": role, "content": text(dice, size)} for role in ("system", "user")]
    calls: list[Call] = []
    runs: list[ToolRun] = []
    steps: list[Step] = []
    for at in range(turns):
        arguments = json.dumps({"query": text(dice, size // 2)})
        asked = {"id": an_id(dice), "type": "function", "function": {"name": "f1", "arguments": arguments}}
        said: Any = {"role": "assistant", "content": text(dice, size // 2), "tool_calls": [asked]}
        result = {"role": "tool", "content": text(dice, size), "tool_call_id": asked["id"], "name": "f1"}
        times = [1763733015.0 + at + part for part in sorted(dice.random() for _ in range(6))]
        calls.append(
            Call(id=an_id(dice), step=2 * at, path="model", node="model", model="m", params={"temperature": 0.7}, tools=tools,
                 prompt=json.loads(json.dumps(history)), replies=[Reply(message=said, finish_reason="tool_calls")],
                 usage=Usage(input_tokens=200 * at, output_tokens=dice.randrange(200)), started=times[1], ended=times[2])
        )  # fmt: skip
        runs.append(
            ToolRun(id=an_id(dice), name="f1", step=2 * at + 1, call=at, tool_call_id=asked["id"], path="tools",
                    arguments=json.loads(arguments), output=dict(result), started=times[3], ended=times[4])
        )  # fmt: skip
        steps += [Step(name=name, path=name, started=times[0], ended=times[5]) for name in ("model", "tools")]
        history += [{**said, "name": "agent"}, result]
    return Trace(id=an_id(dice), name="agent", input=history[1:2], output=history[2:], calls=calls, tool_runs=runs, steps=steps)  # fmt: skip


def distinct(trace: Trace) -> int:
    """Bytes of the distinct messages as JSON; a reply that comes back with the agent's name counts once."""
    replies = [reply.message for call in trace.calls for reply in call.replies]
    every = [*trace.input, *replies, *(one for call in trace.calls for one in call.prompt), *trace.output]
    known = {to_json({key: one[key] for key in one if key != "name" or one["role"] == "tool"}) for one in every}
    return sum(map(len, known))


def milliseconds(work: Callable[[], Any], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times * 1e3


def sizes() -> None:
    print(
        "| a tool's output | level of zlib | bytes | of its distinct messages | encode | decode |\n|---|---|---|---|---|---|"
    )
    for size in (200, 400, 1000):
        trace = agent_run(50, size)
        for level in (0, 1, 3, 6, 9):
            body = encode(trace, level)
            spent = [
                milliseconds(work, 20) for work in (lambda at=level: encode(trace, at), lambda of=body: decode(of))
            ]  # noqa: B023
            share = len(body) / distinct(trace)
            print(f"| {size} B | {level} | {len(body):,} | {share:.2f} x | {spent[0]:.1f} ms | {spent[1]:.1f} ms |")


def speeds(name: str, store: Store) -> None:
    traces = [agent_run(1, 200, seed) for seed in range(1000)]
    added = milliseconds(lambda: [store.add(traces[at : at + 100]) for at in range(0, 1000, 100)], 1)
    alone = milliseconds(lambda: [store.add([trace]) for trace in traces], 1)
    read = milliseconds(lambda: list(store.traces()), 1)
    listed = milliseconds(lambda: list(store.rows()), 1)
    print(f"| {name} | {added / 1000:.2f} | {alone / 1000:.2f} | {read / 1000:.2f} | {listed / 1000:.3f} |")
    store.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--postgres")
    address = options.parse_args().postgres
    sizes()
    print("\n| ms a trace | added, 100 at a time | added alone | read | listed |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        speeds("SQLite", open_store(Path(folder) / "t.db"))
    if address:
        speeds("PostgreSQL", open_store(address))
