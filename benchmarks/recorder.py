"""What recording costs: our recorder beside LangSmith's tracer, Langfuse's handler and OpenInference with OpenTelemetry.

    python benchmarks/recorder.py [--quick]

A step is a node, its router and a call of a model that takes no time: three runs, six events. Blocks of steps with a contender
alternate with blocks without any handler, in one process; told are medians of the differences of neighbours, per event. Wall
time is what the run waits; CPU time is that of the whole process, background threads and the hand-over at the end included.
The control is a contender without a handler: what it differs by is noise. "inside" is the time between the entry and the exit
of the contender's callbacks, in a pass of its own; what LangChain does around them is left out there.

LangSmith's client sends to a server on loopback. Langfuse and OpenTelemetry hand their spans to an exporter that drops them, so
that encoding and sending is not in their times; it is in their bytes, which are taken from the same server. Ours writes to its
file. The peers that are not installed are named and left out; the dependency group `bench` has them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

os.environ |= {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}

import orjson
from recorded_runs import STEPS, TURNS, agent, conversation, steps, task
from sink import Sink
from tracers import Tracer, clocks, present

from langdistill.recording.capture.messages import plain

RESULTS = Path(__file__).with_name("results") / "recorder.json"
RUNS = 10
"""Of a block."""
EVENTS = RUNS * (6 * STEPS + 2)
PAIRS = {"small prompt": 7, "40 messages": 7, "small prompt, async": 7}
LIMITS = {"microseconds": 15, "of_langsmith": 15, "turns": 1.2, "bytes": 1.3}

# microseconds per event


def block(graph: Any, given: Any, handlers: Any, loop: asyncio.AbstractEventLoop | None) -> None:
    config: Any = {"callbacks": handlers}
    for _ in range(RUNS):
        if loop:
            loop.run_until_complete(graph.ainvoke(given, config))
        else:
            graph.invoke(given, config)


def clocked(work: Callable[[], Any], flush: Callable[[], Any]) -> tuple[float, float]:
    """Wall seconds of some work, and CPU seconds of the process until it is handed over, too."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall = time.perf_counter() - wall
    flush()
    return wall, time.process_time() - cpu


def per_event(tracer: Tracer, pairs: int, work: Callable[[Any], Any]) -> dict[str, float]:
    """Microseconds per event: by neighbouring blocks with and without, and inside the callbacks."""
    work(tracer.handlers), tracer.flush()  # warms up
    differences: list[tuple[float, float]] = []
    alone: list[float] = []
    for pair in range(pairs):
        order = [False, True] if pair % 2 else [True, False]
        told = {
            on: clocked(lambda on=on: work(tracer.handlers if on else []), tracer.flush if on else _nothing)
            for on in order
        }
        alone.append(told[False][0])
        differences.append((told[True][0] - told[False][0], told[True][1] - told[False][1]))
    wall, cpu = ([1e6 * one / EVENTS for one in column] for column in zip(*differences, strict=True))
    low, _, high = quantiles(wall, n=4)
    found = {"wall": median(wall), "wall_low": low, "wall_high": high, "cpu": median(cpu)}
    found["base_us_per_step"] = 1e6 * median(alone) / (RUNS * STEPS)
    return found | ({"inside": inside(tracer, pairs, work)} if tracer.handlers else {})


def inside(tracer: Tracer, rounds: int, work: Callable[[Any], Any]) -> float:
    """Microseconds per event between the entry and the exit of the callbacks; also sees that every event was heard."""
    found = []
    for _ in range(rounds):
        with clocks(tracer) as spent:
            gc.collect()
            work(tracer.handlers)
        tracer.flush()
        if len(spent.spent) != EVENTS:
            raise RuntimeError(f"{tracer.name} heard {len(spent.spent)} of {EVENTS} events.")
        found.append(1e6 * spent.total() / EVENTS)
    return median(found)


def _nothing() -> None:
    pass


def overhead(make: Callable[..., Tracer], sink: Sink, divide: int) -> dict[str, dict[str, float]]:
    """All settings of one contender."""
    loop = asyncio.new_event_loop()
    rows = {}
    for setting, pairs in PAIRS.items():
        graph = steps(later=setting.endswith("async"))
        given = {"messages": conversation(40 if setting.startswith("40") else 1), "step": 0}
        way = loop if setting.endswith("async") else None
        with TemporaryDirectory() as folder:
            tracer = make(sink, Path(folder), sends=False)
            rows[setting] = per_event(
                tracer, pairs // divide, lambda on, graph=graph, given=given, way=way: block(graph, given, on, way)
            )
            tracer.flush()
            if tracer.kept and (kept := tracer.kept()) % (RUNS * (3 * STEPS + 1)):
                raise RuntimeError(f"{tracer.name} handed {kept} spans over, which is no whole number of blocks.")
            tracer.close()
        print(tracer.name, setting, {key: round(value, 1) for key, value in rows[setting].items()}, flush=True)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    return rows


# an agent of fifty turns


def turns(make: Callable[..., Tracer], sink: Sink, runs: int) -> dict[str, float]:
    """Microseconds inside the callbacks of turn 2 and of turn 50, medians over runs."""
    graph, found = agent(), []
    with TemporaryDirectory() as folder:
        tracer = make(sink, Path(folder), sends=False)
        for run in range(runs + 1):  # the first warms up
            gc.collect()
            with clocks(tracer) as spent:
                graph.invoke(task(run), {"callbacks": tracer.handlers})
            tracer.flush()
            found.append((1e6 * spent.of(2), 1e6 * spent.of(TURNS)))
        tracer.close()
    second, last = (median(column) for column in zip(*found[1:], strict=True))
    return {"turn_2": second, "turn_50": last, "ratio": last / second}


def distinct(runs: range) -> float:
    """Bytes of the distinct messages of a run, as JSON in the OpenAI shape: mean over runs."""
    graph = agent()
    sizes = [sum(len(orjson.dumps(plain(one))) for one in graph.invoke(task(run))["messages"]) for run in runs]
    return sum(sizes) / len(sizes)


def size(make: Callable[..., Tracer], sink: Sink, runs: int) -> dict[str, float]:
    """Bytes per run of what is stored or sent: as it is, and unpacked."""
    few = runs // 4
    first, whole = (_size(make, sink, range(count)) for count in (few, runs))
    return {key: (whole[key] - first[key]) / (runs - few) for key in whole}


def _size(make: Callable[..., Tracer], sink: Sink, runs: range) -> dict[str, int]:
    graph = agent()
    sink.taken()
    with TemporaryDirectory() as folder:
        tracer = make(sink, Path(folder), sends=True)
        for run in runs:
            graph.invoke(task(run), {"callbacks": tracer.handlers})
        tracer.flush()
        tracer.close()
        stored = sum(one.stat().st_size for one in Path(folder).rglob("*") if one.is_file())
    taken = sink.taken()
    return {"stored": stored} if stored else {"sent": taken["sent"], "plain": taken["plain"]}


# everything


def goals(rows: Any, agents: Any, bytes_of_messages: float) -> list[dict[str, Any]]:
    """The lines that were set, what was found, and whether each is held."""
    ours, theirs = rows["langdistill"], rows["LangSmith"]
    told = [
        (f"microseconds per event, {how}, {setting}", ours[setting][how], LIMITS["microseconds"], "at most")
        for setting in PAIRS
        for how in ("wall", "cpu", "inside")
    ] + [
        (f"LangSmith's {how} time per event over ours, {setting}", theirs[setting][how] / ours[setting][how],
         LIMITS["of_langsmith"], "at least")
        for setting in PAIRS
        for how in ("wall", "cpu", "inside")
    ]  # fmt: skip
    told.append(
        ("time inside callbacks, turn 50 over turn 2", agents["langdistill"]["ratio"], LIMITS["turns"], "at most")
    )
    stored = agents["langdistill"]["stored"] / bytes_of_messages
    told.append(("bytes of a run of 50 turns over those of its distinct messages", stored, LIMITS["bytes"], "at most"))
    return [
        {"goal": goal, "found": found, "limit": limit, "bound": bound,
         "held": found <= limit if bound == "at most" else found >= limit}
        for goal, found, limit, bound in told
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="What recording costs, beside its peers.")
    parser.add_argument("--quick", action="store_true", help="a few blocks, to see that it works; writes no results")
    divide = 7 if parser.parse_args().quick else 1
    logging.getLogger("langfuse").setLevel(logging.ERROR)
    contenders, missing = present()
    for package in missing:
        print(f"{package} is not installed and left out. Install the peers with: pip install --group bench")
    sink = Sink()
    rows: dict[str, Any] = {}
    agents: dict[str, Any] = {}
    versions: dict[str, str] = {}
    try:
        for make in contenders:
            with TemporaryDirectory() as folder:
                tracer = make(sink, Path(folder), sends=False)
                tracer.close()
            versions |= tracer.dependencies
            rows[tracer.name] = overhead(make, sink, divide)
            if tracer.handlers:
                agents[tracer.name] = turns(make, sink, 28 // divide) | size(make, sink, 28 // divide)
                print(tracer.name, {key: round(value, 2) for key, value in agents[tracer.name].items()}, flush=True)
    finally:
        sink.close()
    bytes_of_messages = distinct(range(7, 28) if divide == 1 else range(1, 4))
    reached = goals(rows, agents, bytes_of_messages)
    for one in reached:
        print(
            f"{'held  ' if one['held'] else 'MISSED'} {one['goal']}: {one['found']:.2f} ({one['bound']} {one['limit']})"
        )
    told = {
        "command": "python benchmarks/recorder.py",
        "versions": versions,
        "missing": missing,
        "blocks": PAIRS,
        "events_per_block": EVENTS,
        "bytes_of_distinct_messages": bytes_of_messages,
        "rows": rows,
        "agents": agents,
        "goals": reached,
    }
    if divide == 1:
        RESULTS.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
