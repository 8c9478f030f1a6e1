from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.errors import NodeTimeoutError
from langgraph.graph import START, MessagesState, StateGraph

from langdistill import create_rephrase_and_respond
from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, asking, line
from tests.recording.scenarios.models import Says


def _cancel(recording: Recording, work: Any, model: Says | None = None) -> None:
    """Cancel the work soon after the model was asked; without a model, soon."""

    async def later() -> None:
        task = asyncio.create_task(work({"callbacks": [recording.recorder]}))
        while model and not model.asked:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(later())


def test_a_call_that_is_cancelled_is_closed_with_its_root(later: Recording) -> None:
    model = Says("4", delay=60)
    graph = line(think=asking(model)).compile()
    _cancel(later, lambda config: graph.ainvoke(ASKED, config), model)
    later.assert_tells("""
        LangGraph outcome='cancelled' error='cancelled'
          in user: 2+2?
          step think outcome='cancelled'
            call c0 error='cancelled'
              < user: 2+2?
    """)


def test_a_bare_model_that_is_cancelled(later: Recording) -> None:
    model = Says("4", delay=60)
    _cancel(later, lambda config: model.ainvoke("2+2?", config), model)
    later.assert_tells("""
        Says outcome='cancelled' error='cancelled'
          in user: 2+2?
          call c0 error='cancelled'
            < user: 2+2?
    """)


def test_a_strategy_that_is_cancelled(later: Recording) -> None:
    model = Says("4", delay=60)
    graph = create_rephrase_and_respond(model)
    _cancel(later, lambda config: graph.ainvoke({"messages": [("user", "2+2?")]}, config), model)
    [call] = later.trace.calls
    assert (call.error, call.replies, call.candidate) == ("cancelled", [], False)
    assert (later.trace.error, later.trace.outcome) == ("cancelled", "cancelled")


def test_what_was_streamed_before_is_kept(later: Recording) -> None:
    model = Says("2 and", delay=60)
    graph = line(think=asking(model)).compile()

    async def stream(config: Any) -> None:
        async for _ in graph.astream(ASKED, config, stream_mode="messages"):
            pass

    _cancel(later, stream, model)
    later.assert_tells("""
        LangGraph outcome='cancelled' error='cancelled'
          in user: 2+2?
          step think outcome='cancelled'
            call c0 error='cancelled' streamed
              < user: 2+2?
              > assistant: 2 partial=True
    """)


@pytest.mark.filterwarnings("ignore:.*v3:langchain_core._api.LangChainBetaWarning")
def test_a_stream_of_events_that_is_cancelled(later: Recording) -> None:
    model = Says("2 and", delay=60)
    graph = line(think=asking(model)).compile()

    async def stream(config: Any) -> None:
        async for _ in await graph.astream_events(ASKED, config, version="v3"):
            pass

    _cancel(later, stream, model)
    later.assert_tells("""
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
    now.assert_tells("""
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
    later.assert_tells("""
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
    later.assert_tells("""
        wait outcome='cancelled' error='cancelled'
          tool t0 wait {'seconds': 5} error='cancelled' -> None
    """)


def test_a_bare_stream_that_is_cancelled_keeps_what_had_come(later: Recording) -> None:
    model = Says("2 and", delay=60)

    async def stream(config: Any) -> None:
        async for _ in model.astream("2+2?", config):
            pass

    _cancel(later, stream, model)
    later.assert_tells("""
        Says outcome='cancelled' error='cancelled'
          in user: 2+2?
          call c0 error='cancelled' streamed
            < user: 2+2?
            > assistant: 2 partial=True
    """)


def test_a_bare_model_that_ends_is_not_cancelled_with_its_task(later: Recording) -> None:
    model = Says("4")

    async def work(config: Any) -> None:
        await model.ainvoke("2+2?", config)
        await asyncio.sleep(60)

    _cancel(later, work, model)
    later.assert_tells("""
        Says
          in user: 2+2?
          call c0
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_the_reasoning_that_was_streamed_before_is_kept(later: Recording) -> None:
    class Thinks(Says):
        async def _astream(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            self._asked += 1
            for thought in ("I count ", "on fingers."):
                yield ChatGenerationChunk(message=AIMessageChunk("", additional_kwargs={"reasoning_content": thought}))
            await asyncio.sleep(60)

    model = Thinks("2", delay=60)
    graph = line(think=asking(model)).compile()

    async def stream(config: Any) -> None:
        async for _ in graph.astream(ASKED, config, stream_mode="messages"):
            pass

    _cancel(later, stream, model)
    [call] = later.trace.calls
    assert [reply.message for reply in call.replies] == [
        {"role": "assistant", "content": "", "reasoning_content": "I count on fingers."}
    ]
