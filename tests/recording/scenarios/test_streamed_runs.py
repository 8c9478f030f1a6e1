from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, add, asking, line
from tests.recording.scenarios.models import Says, asks

deprecated = pytest.mark.filterwarnings("ignore:astream_events version='v1' is deprecated")
experimental = pytest.mark.filterwarnings("ignore:.*v3:langchain_core._api.LangChainBetaWarning")


@pytest.mark.parametrize("mode", ["values", "updates", "custom", "debug"])
def test_a_stream_of_states_does_not_stream_the_model(recording: Recording, mode: Any) -> None:
    recording.stream(line(think=asking(Says("2 and 2"))).compile(), ASKED, stream_mode=mode)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 2 and 2
          out assistant: 2 and 2
    """)


@pytest.mark.parametrize("mode", ["messages", ["messages", "updates"]])
def test_a_stream_of_messages(recording: Recording, mode: Any) -> None:
    recording.stream(line(think=asking(Says("2 and 2"))).compile(), ASKED, stream_mode=mode)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0 streamed
              < user: 2+2?
              > assistant: 2 and 2 finish_reason='stop'
          out assistant: 2 and 2
    """)


@pytest.mark.parametrize(
    "version", [pytest.param("v1", marks=deprecated), "v2", pytest.param("v3", marks=experimental)]
)
def test_a_stream_of_events(recording: Recording, version: Any) -> None:
    graph, config = line(think=asking(Says("2 and 2"))).compile(), {"callbacks": [recording.recorder]}

    async def later() -> None:
        events: Any = graph.astream_events(ASKED, config, version=version)
        async for _ in await events if version == "v3" else events:
            pass

    if recording.later or version != "v3":  # the others are asynchronous only
        asyncio.run(later())
    else:
        list(graph.stream_events(ASKED, config, version=version))
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0 streamed
              < user: 2+2?
              > assistant: 2 and 2 finish_reason='stop'
          out assistant: 2 and 2
    """)


def test_a_tool_call_that_is_streamed(recording: Recording) -> None:
    agent = create_agent(Says(asks("add", a=2, b=2), "it is 4"), [add])
    recording.stream(agent, ASKED, stream_mode="messages")
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step model
            call c0 offered=['add'] streamed
              < user: 2+2?
              > assistant: '' add({"a":2,"b":2})#t0 finish_reason='stop'
          step tools branch=0
            tool t0 add {'a': 2, 'b': 2} tool_call_id='t0' asked_by=c0 -> tool: 4 name='add' tool_call_id='t0'
          step model
            call c1 offered=['add'] streamed
              < user: 2+2?
              < assistant: '' add({"a":2,"b":2})#t0
              < tool: 4 name='add' tool_call_id='t0'
              > assistant: it is 4 finish_reason='stop'
          out assistant: '' add({"a":2,"b":2})#t0
          out tool: 4 name='add' tool_call_id='t0'
          out assistant: it is 4
    """)


def test_a_streamed_model(recording: Recording) -> None:
    recording.stream(Says("2 and 2"), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0 streamed
            < user: 2+2?
            > assistant: 2 and 2 finish_reason='stop'
          out assistant: 2 and 2
    """)


def test_a_stream_of_a_model_that_is_broken_off(recording: Recording) -> None:
    recording.stream(Says("2 and 2"), "2+2?", first=True)
    recording.assert_tells("""
        Says outcome='cancelled' error='cancelled'
          in user: 2+2?
          call c0 error='cancelled' streamed
            < user: 2+2?
            > assistant: 2 partial=True
    """)


def test_a_stream_that_fails_keeps_what_had_come(recording: Recording) -> None:
    with pytest.raises(ConnectionError):
        recording.stream(Says("2 and 2", breaks=ConnectionError("cut")), "2+2?")
    recording.assert_tells("""
        Says outcome='failed' error="ConnectionError('cut')"
          in user: 2+2?
          call c0 error="ConnectionError('cut')" streamed
            < user: 2+2?
            > assistant: 2 and 2 partial=True
    """)


def test_an_astream_of_a_graph_that_is_broken_off(later: Recording) -> None:
    later.stream(line(think=asking(Says("2 and 2", delay=0.2))).compile(), ASKED, first=True, stream_mode="messages")
    later.assert_tells("""
        LangGraph outcome='cancelled' error='cancelled'
          in user: 2+2?
          step think outcome='cancelled'
            call c0 error='cancelled' streamed
              < user: 2+2?
              > assistant: 2 partial=True
    """)


def test_a_stream_of_a_graph_that_is_broken_off_ends_its_node(now: Recording) -> None:
    now.stream(line(think=asking(Says("2 and 2", delay=0.05))).compile(), ASKED, first=True, stream_mode="messages")
    now.assert_tells("""
        LangGraph outcome='cancelled' error='cancelled'
          in user: 2+2?
          step think
            call c0 streamed
              < user: 2+2?
              > assistant: 2 and 2 finish_reason='stop'
    """)


def test_a_stream_of_blocks(recording: Recording) -> None:
    recording.stream(Says("2 and 2", blocks=True), "2+2?")
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0 streamed
            < user: 2+2?
            > assistant: 2 and 2 finish_reason='stop'
          out assistant: 2 and 2
    """)


def test_a_stream_of_blocks_that_is_cut(recording: Recording) -> None:
    with pytest.raises(ConnectionError):
        recording.stream(Says("2 and 2", blocks=True, breaks=ConnectionError("cut")), "2+2?")
    recording.assert_tells("""
        Says outcome='failed' error="ConnectionError('cut')"
          in user: 2+2?
          call c0 error="ConnectionError('cut')" streamed
            < user: 2+2?
            > assistant: 2 and 2 partial=True
    """)


def test_a_stream_of_blocks_that_is_cancelled(later: Recording) -> None:
    graph = line(think=asking(Says("2 and 2", delay=0.2, blocks=True))).compile()
    later.stream(graph, ASKED, first=True, stream_mode="messages")
    later.assert_tells("""
        LangGraph outcome='cancelled' error='cancelled'
          in user: 2+2?
          step think outcome='cancelled'
            call c0 error='cancelled' streamed
              < user: 2+2?
              > assistant: 2 partial=True
    """)
