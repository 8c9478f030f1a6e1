"""What a strategy's machinery costs: 64 samples of a model that takes 50 ms, beside the same calls made without it.

    python benchmarks/strategies.py

In every round each contender runs once, in a random order; told are medians over the rounds and, as ratios, medians of the
ratios within a round. The critical path is one call: 50 ms. `langchain` makes the calls with LangChain alone (threads, or
`asyncio.gather`): what is above the critical path there is the price of 64 of its calls in one process. `langgraph` is a
hand-written graph with one `Send` per sample and a vote.
"""

from __future__ import annotations

import asyncio
import json
import operator
import random
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Annotated, Any

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.types import Send
from typing_extensions import TypedDict

from langdistill import create_self_consistency
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel

RESULTS = Path(__file__).with_name("results") / "strategies.json"
SAMPLES, DELAY, ROUNDS = 64, 0.05, 25
PROMPT = [HumanMessage("2 + 2?")]
GIVEN: Any = {"messages": PROMPT}
CONFIG: RunnableConfig = {"max_concurrency": SAMPLES}


def model(kind: type[OneReplyChatModel], delay: float) -> OneReplyChatModel:
    return kind(script=lambda messages, number: "Answer: 4", delay=delay)


class Sampled(TypedDict):
    """State of the graph by hand."""

    messages: list[AnyMessage]
    replies: Annotated[list[str], operator.add]


def bare_graph(chat: OneReplyChatModel) -> Any:
    """Self-consistency as one writes it by hand."""

    def sample(state: Any, config: RunnableConfig) -> Any:
        return {"replies": [chat.invoke(state["messages"], config).text]}

    async def asample(state: Any, config: RunnableConfig) -> Any:
        return {"replies": [(await chat.ainvoke(state["messages"], config)).text]}

    def elect(state: Any) -> Any:
        return {"messages": [*state["messages"], ("ai", max(state["replies"], key=state["replies"].count))]}

    graph: Any = StateGraph(Sampled)
    graph.add_node("sample", RunnableLambda(sample, afunc=asample, name="sample"))
    graph.add_node("vote", elect)
    sends = [Send("sample", GIVEN)] * SAMPLES
    graph.add_conditional_edges(START, lambda state: sends, ["sample"]).add_edge("sample", "vote")
    return graph.compile()


def contenders(delay: float) -> dict[str, tuple[Callable[[], Any], Callable[[], Coroutine[Any, Any, Any]]]]:
    """How each makes its 64 calls, synchronously and not."""
    single, many = model(OneReplyChatModel, delay), model(ScriptedChatModel, delay)
    separate = create_self_consistency(single, samples=SAMPLES, prompt="{question}")
    together = create_self_consistency(many, samples=SAMPLES, prompt="{question}")
    bare = bare_graph(single)

    def threads() -> None:
        with ThreadPoolExecutor(SAMPLES) as pool:
            list(pool.map(lambda _: single.invoke(PROMPT), range(SAMPLES)))

    async def gathered() -> None:
        await asyncio.gather(*(single.ainvoke(PROMPT) for _ in range(SAMPLES)))

    return {
        "langdistill, n in one request": (
            lambda: together.invoke(GIVEN, CONFIG), lambda: together.ainvoke(GIVEN, CONFIG)),
        "langdistill, 64 requests": (
            lambda: separate.invoke(GIVEN, CONFIG), lambda: separate.ainvoke(GIVEN, CONFIG)),
        "langchain, 64 requests": (threads, gathered),
        "langgraph by hand, 64 requests": (lambda: bare.invoke(GIVEN, CONFIG), lambda: bare.ainvoke(GIVEN, CONFIG)),
    }  # fmt: skip


def rounds(delay: float) -> dict[str, dict[str, list[float]]]:
    """Seconds per contender, under `invoke` and under `ainvoke`."""
    found = contenders(delay)
    told: dict[str, dict[str, list[float]]] = {name: {"invoke": [], "ainvoke": []} for name in found}
    loop = asyncio.new_event_loop()
    for turn in range(ROUNDS + 2):
        for name in random.sample(list(found), len(found)):
            now, later = found[name]
            for how, run in (("invoke", now), ("ainvoke", lambda later=later: loop.run_until_complete(later()))):
                started = time.perf_counter()
                run()
                if turn >= 2:  # the first ones warm up
                    told[name][how].append(time.perf_counter() - started)
    loop.close()
    return told


def main() -> None:
    waiting, idle = rounds(DELAY), rounds(0.0)
    alone = {how: waiting["langchain, 64 requests"][how] for how in ("invoke", "ainvoke")}
    rows: dict[str, Any] = {}
    for name, told in waiting.items():
        rows[name] = {
            how: {
                "ms": 1000 * median(seconds),
                "of_critical_path": median(seconds) / DELAY,
                "of_langchain": median(mine / theirs for mine, theirs in zip(seconds, alone[how], strict=True)),
                "microseconds_per_call": 1e6 * median(idle[name][how]) / SAMPLES,
            }
            for how, seconds in told.items()
        }
        print(name, {how: {key: round(value, 2) for key, value in row.items()} for how, row in rows[name].items()})
    RESULTS.write_text(
        json.dumps(
            {
                "command": "python benchmarks/strategies.py",
                "samples": SAMPLES,
                "delay": DELAY,
                "rounds": ROUNDS,
                "rows": rows,
            },
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
