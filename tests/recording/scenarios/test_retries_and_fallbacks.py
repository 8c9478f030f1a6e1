from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware
from langchain_core.messages import AIMessage
from langgraph.cache.memory import InMemoryCache
from langgraph.errors import NodeError
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import CachePolicy, RetryPolicy

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, asking, line
from tests.recording.scenarios.models import Says

OFFLINE = ConnectionError("offline")


def test_attempts_of_a_node(recording: Recording) -> None:
    model, attempts = Says("4", "5", "6"), iter([OFFLINE, OFFLINE, None])

    def flaky(state: MessagesState) -> Any:
        said = model.invoke(state["messages"], {"metadata": {"candidate": True}})
        if error := next(attempts):
            raise error
        return {"messages": [said]}

    builder = StateGraph(MessagesState)
    builder.add_node("flaky", flaky, retry_policy=RetryPolicy(initial_interval=0.001, jitter=False))
    builder.add_edge(START, "flaky")
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step flaky outcome='failed' error="ConnectionError('offline')"
            call c0
              < user: 2+2?
              > assistant: 4
          step flaky attempt=2 outcome='failed' error="ConnectionError('offline')"
            call c1
              < user: 2+2?
              > assistant: 5
          step flaky attempt=3
            call c2 candidate=True
              < user: 2+2?
              > assistant: 6
          out assistant: 6
    """)


def test_a_model_with_retry(recording: Recording) -> None:
    model = Says(OFFLINE, OFFLINE, "4").with_retry(wait_exponential_jitter=False, stop_after_attempt=3)
    recording.run(model, "2+2?", metadata={"candidate": True})
    recording.assert_tells("""
        Says
          in user: 2+2?
          call c0 error="ConnectionError('offline')"
            < user: 2+2?
          call c1 error="ConnectionError('offline')" retries=c0
            < user: 2+2?
          call c2 candidate=True retries=c1
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_a_bare_model_with_fallbacks(recording: Recording) -> None:
    recording.run(Says(OFFLINE).with_fallbacks([Says("4")]), "2+2?")
    recording.assert_tells("""
        RunnableWithFallbacks
          in user: 2+2?
          call c0 error="ConnectionError('offline')"
            < user: 2+2?
          call c1 retries=c0
            < user: 2+2?
            > assistant: 4
          out assistant: 4
    """)


def test_fallbacks_that_all_fail(recording: Recording) -> None:
    recording.fail(
        ConnectionError,
        Says(OFFLINE).with_fallbacks([Says(ValueError("full"))], exceptions_to_handle=(Exception,)),
        "q",
    )
    recording.assert_tells("""
        RunnableWithFallbacks outcome='failed' error="ConnectionError('offline')"
          in user: q
          call c0 error="ConnectionError('offline')"
            < user: q
          call c1 error="ValueError('full')" retries=c0
            < user: q
    """)


def test_a_streamed_model_with_fallbacks(recording: Recording) -> None:
    recording.stream(Says(OFFLINE).with_fallbacks([Says("2 and 2")]), "2+2?")
    recording.assert_tells("""
        RunnableWithFallbacks
          in user: 2+2?
          call c0 error="ConnectionError('offline')"
            < user: 2+2?
          call c1 retries=c0 streamed
            < user: 2+2?
            > assistant: 2 and 2 finish_reason='stop'
          out assistant: 2 and 2
    """)


def test_fallbacks_in_a_node(recording: Recording) -> None:
    recording.run(line(think=asking(Says(OFFLINE).with_fallbacks([Says("4")]))).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0 error="ConnectionError('offline')"
              < user: 2+2?
            call c1 retries=c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_middleware_that_retries_the_model(recording: Recording) -> None:
    retries = ModelRetryMiddleware(initial_delay=0, jitter=False)
    recording.run(create_agent(Says(OFFLINE, "4"), [], middleware=[retries]), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step model
            call c0 error="ConnectionError('offline')"
              < user: 2+2?
            call c1 retries=c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_middleware_that_falls_back_to_another_model(recording: Recording) -> None:
    other = ModelFallbackMiddleware(Says("4"))
    recording.run(create_agent(Says(OFFLINE), [], middleware=[other]), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step model
            call c0 error="ConnectionError('offline')"
              < user: 2+2?
            call c1 retries=c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_samples_with_the_same_prompt_are_no_retries_of_one_that_failed(recording: Recording) -> None:
    model = Says(OFFLINE, "4", "5")

    def think(state: MessagesState) -> Any:
        config: Any = {"metadata": {"candidate": True}, "max_concurrency": 1}
        said = model.batch([state["messages"]] * 3, config, return_exceptions=True)
        return {"messages": [said[-1]]}

    recording.run(line(think=think).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0 error="ConnectionError('offline')"
              < user: 2+2?
            call c1 candidate=True
              < user: 2+2?
              > assistant: 4
            call c2 candidate=True
              < user: 2+2?
              > assistant: 5
          out assistant: 5
    """)


def test_a_node_that_mends_the_error_of_another(recording: Recording) -> None:
    def mend(state: MessagesState, error: NodeError) -> Any:
        return {"messages": [AIMessage("sorry")]}

    builder = StateGraph(MessagesState)
    builder.add_node("think", asking(Says(OFFLINE)), error_handler=mend)
    builder.add_edge(START, "think")
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think outcome='failed' error="ConnectionError('offline')"
            call c0 error="ConnectionError('offline')"
              < user: 2+2?
          step __error_handler__think path='think/__error_handler__think'
          out assistant: sorry
    """)


def test_a_node_from_the_cache_is_not_told(recording: Recording) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("think", asking(Says("4")), cache_policy=CachePolicy(key_func=lambda state: b"key"))
    builder.add_edge(START, "think")
    graph = builder.compile(cache=InMemoryCache())
    recording.run(graph, ASKED)
    recording.run(graph, ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
        LangGraph
          in user: 2+2?
          out assistant: 4
    """)
