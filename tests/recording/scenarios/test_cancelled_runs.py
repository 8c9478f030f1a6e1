from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.errors import NodeTimeoutError
from langgraph.graph import START, MessagesState, StateGraph

from langdistill import create_rephrase_and_respond
from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, asking, line
from tests.recording.scenarios.models import Says


def _cancel(recording: Recording, work: Any, after: float = 0.3) -> None:
    async def later() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work({"callbacks": [recording.recorder]}), after)

    asyncio.run(later())


def test_a_call_that_is_cancelled_is_closed_with_its_root(later: Recording) -> None:
    graph = line(think=asking(Says("4", delay=5))).compile()
    _cancel(later, lambda config: graph.ainvoke(ASKED, config))
    later.tells("""
        LangGraph outcome='cancelled' error='cancelled'
          in user: 2+2?
          step think outcome='cancelled'
            call c0 error='cancelled'
              < user: 2+2?
    """)


def test_a_bare_model_that_is_cancelled(later: Recording) -> None:
    _cancel(later, lambda config: Says("4", delay=5).ainvoke("2+2?", config))
    later.tells("""
        Says outcome='cancelled' error='cancelled'
          in user: 2+2?
          call c0 error='cancelled'
            < user: 2+2?
    """)


def test_a_strategy_that_is_cancelled(later: Recording) -> None:
    graph = create_rephrase_and_respond(Says("4", delay=5))
    _cancel(later, lambda config: graph.ainvoke({"messages": [("user", "2+2?")]}, config))
    [call] = later.trace.calls
    assert (call.error, call.replies, call.candidate) == ("cancelled", [], False)
    assert (later.trace.error, later.trace.outcome) == ("cancelled", "cancelled")


def test_what_was_streamed_before_is_kept(later: Recording) -> None:
    graph = line(think=asking(Says("2 and", delay=0.5))).compile()

    async def stream(config: Any) -> None:
        async for _ in graph.astream(ASKED, config, stream_mode="messages"):
            pass

    _cancel(later, stream)
    later.tells("""
        LangGraph outcome='cancelled' error='cancelled'
          in user: 2+2?
          step think outcome='cancelled'
            call c0 error='cancelled' streamed
              < user: 2+2?
              > assistant: 2 partial=True
    """)


def test_a_node_that_takes_too_long(later: Recording) -> None:
    builder = StateGraph(MessagesState)
    model = Says("4", delay=5)

    async def think(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder.add_node("think", think, timeout=0.2)
    builder.add_edge(START, "think")
    later.fail(NodeTimeoutError, builder.compile(), ASKED)
    trace = later.trace
    assert (trace.outcome, trace.steps[0].outcome, trace.calls[0].error) == ("failed", "cancelled", "cancelled")
    assert "exceeded its run timeout of 0.200s" in str(trace.error)
    assert trace.calls[0].ended <= trace.ended


def _one_fails() -> Any:
    def bad(state: MessagesState) -> Any:
        time.sleep(0.1)
        raise ValueError("no")

    async def bad_later(state: MessagesState) -> Any:
        await asyncio.sleep(0.1)
        raise ValueError("no")

    builder = StateGraph(MessagesState)
    builder.add_node("bad", RunnableLambda(bad, afunc=bad_later, name="bad"))
    builder.add_node("good", asking(Says("4", delay=0.3)))
    builder.add_edge(START, "bad")
    builder.add_edge(START, "good")
    return builder.compile()


def test_beside_a_branch_that_fails_the_others_come_to_their_end(now: Recording) -> None:
    now.fail(ValueError, _one_fails(), ASKED)
    now.tells("""
        LangGraph outcome='failed' error="ValueError('no')"
          in user: 2+2?
          step bad outcome='failed' error="ValueError('no')"
          step good
            call c0
              < user: 2+2?
              > assistant: 4
    """)


def test_beside_a_branch_that_fails_the_others_are_cancelled_in_async(later: Recording) -> None:
    later.fail(ValueError, _one_fails(), ASKED)
    later.tells("""
        LangGraph outcome='failed' error="ValueError('no')"
          in user: 2+2?
          step bad outcome='failed' error="ValueError('no')"
          step good outcome='cancelled'
            call c0 error='cancelled'
              < user: 2+2?
    """)


def test_a_bare_tool_that_is_cancelled(later: Recording) -> None:
    @tool
    async def wait(seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    _cancel(later, lambda config: wait.ainvoke({"seconds": 5}, config))
    later.tells("""
        wait outcome='cancelled' error='cancelled'
          tool t0 wait {'seconds': 5} error='cancelled' -> None
    """)


def test_a_bare_stream_that_is_cancelled_keeps_what_had_come(later: Recording) -> None:
    async def stream(config: Any) -> None:
        async for _ in Says("2 and", delay=0.5).astream("2+2?", config):
            pass

    _cancel(later, stream)
    later.tells("""
        Says outcome='cancelled' error='cancelled'
          in user: 2+2?
          call c0 error='cancelled' streamed
            < user: 2+2?
            > assistant: 2 partial=True
    """)


def test_a_bare_model_that_ends_is_not_cancelled_with_its_task(later: Recording) -> None:
    async def work(config: Any) -> None:
        await Says("4").ainvoke("2+2?", config)
        await asyncio.sleep(5)

    _cancel(later, work)
    later.tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)
