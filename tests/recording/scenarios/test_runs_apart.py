from __future__ import annotations

import asyncio
import threading
from typing import Any

from langdistill import create_rephrase_and_respond, create_self_consistency
from langdistill.testing.models import ScriptedChatModel
from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import asking, line
from tests.recording.scenarios.models import Says


def test_twenty_threads_stay_apart(now: Recording) -> None:
    graph = create_self_consistency(
        ScriptedChatModel(script=lambda prompt, at: f"Answer: {prompt[-1].text[:3]}"), samples=3
    )

    def work(at: int) -> None:
        problem = f"Q{at:02}"
        now.run(graph, {"messages": [("user", problem)]}, metadata={"problem": problem})

    threads = [threading.Thread(target=work, args=(at,)) for at in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    traces = now.traces
    assert {trace.problem for trace in traces} == {f"Q{at:02}" for at in range(20)}
    assert all(trace.input[0]["content"] == trace.problem == trace.answer for trace in traces)
    assert all(len(trace.calls) == 1 and trace.problem in str(trace.calls[0].prompt) for trace in traces)


def test_forty_runs_of_a_batch_stay_apart(recording: Recording) -> None:
    graph = create_rephrase_and_respond(Says("Answer: 4", delay=0.01))
    configs: Any = [{"callbacks": [recording.recorder], "metadata": {"problem": f"p{at}"}} for at in range(40)]
    given: Any = [{"messages": [("user", f"question {at}")]} for at in range(40)]
    if recording.later:
        asyncio.run(graph.abatch(given, configs))
    else:
        graph.batch(given, configs)
    traces = recording.traces
    assert {(trace.problem, trace.input[0]["content"]) for trace in traces} == {
        (f"p{at}", f"question {at}") for at in range(40)
    }
    assert all(len(trace.calls) == 2 and trace.input[0]["content"] in str(trace.calls[0].prompt) for trace in traces)


def test_runs_of_one_loop_stay_apart(later: Recording) -> None:
    graph = line(think=asking(Says(lambda prompt: prompt[-1].text.upper(), delay=0.01))).compile()

    async def work() -> None:
        await asyncio.gather(*(graph.ainvoke({"messages": [("user", f"q{at}")]}) for at in range(5)))

    with later.recorder:
        asyncio.run(work())
    assert sorted((trace.input[0]["content"], trace.output[0]["content"]) for trace in later.traces) == [
        (f"q{at}", f"Q{at}") for at in range(5)
    ]
    assert all(len(trace.calls) == 1 for trace in later.traces)
