from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.runnables.config import ContextThreadPoolExecutor
from langgraph.graph import MessagesState

import langdistill
from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, asking, line, saying
from tests.recording.scenarios.models import Says


@pytest.fixture
def process_wide(recording: Recording, tmp_path: Path) -> Iterator[Recording]:
    """A recorder of the whole process in the place of the other."""
    recording.recorder.close()
    recording.recorder = langdistill.record(tmp_path / "all.db")
    yield recording
    recording.recorder.close()


def _in_pool(work: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _in_thread(work: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def _in_context_pool(work: Callable[[], Any]) -> Any:
    with ContextThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _elsewhere(place: Callable[[Callable[[], Any]], Any]) -> Any:
    model = Says("4")
    return line(think=lambda state: {"messages": [place(lambda: model.invoke("elsewhere"))]}).compile()


def _in_executor() -> Any:
    model = Says("4")

    async def think(state: MessagesState) -> Any:
        return {"messages": [await asyncio.get_running_loop().run_in_executor(None, model.invoke, "elsewhere")]}

    return line(think=think).compile()


def test_for_a_block(recording: Recording) -> None:
    graph = line(think=asking(Says("4"))).compile()
    with recording.recorder:
        recording.run(graph, ASKED, callbacks=None)
    recording.run(graph, ASKED, callbacks=None)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_for_the_process(process_wide: Recording) -> None:
    process_wide.run(line(think=asking(Says("4"))).compile(), ASKED, callbacks=None)
    process_wide.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_in_every_way_at_once_nothing_is_doubled(process_wide: Recording) -> None:
    recorder, model = process_wide.recorder, Says("4")
    graph = line(think=lambda state: {"messages": [model.invoke("q", {"callbacks": [recorder]})]}).compile()
    with recorder:
        process_wide.run(graph.with_config(callbacks=[recorder]), ASKED, callbacks=[recorder, recorder])
    process_wide.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: q
              > assistant: 4
          out assistant: 4
    """)


@pytest.mark.parametrize("place", [_in_pool, _in_thread])
def test_a_thread_that_langchain_does_not_know_is_a_root_of_its_own(process_wide: Recording, place: Any) -> None:
    process_wide.run(_elsewhere(place), ASKED, callbacks=None)
    process_wide.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
          out assistant: 4
        Says
          in user: elsewhere
          call c0
            < user: elsewhere
            > assistant: 4
          out assistant: 4
    """)


def test_an_executor_of_the_loop_is_a_root_of_its_own(later: Recording, tmp_path: Path) -> None:
    later.recorder.close()
    later.recorder = langdistill.record(tmp_path / "all.db")
    later.run(_in_executor(), ASKED, callbacks=None)
    later.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
          out assistant: 4
        Says
          in user: elsewhere
          call c0
            < user: elsewhere
            > assistant: 4
          out assistant: 4
    """)


@pytest.mark.parametrize("place", [_in_pool, _in_thread])
def test_a_thread_that_langchain_does_not_know_is_outside_of_a_block(recording: Recording, place: Any) -> None:
    with recording.recorder:
        recording.run(_elsewhere(place), ASKED, callbacks=None)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
          out assistant: 4
    """)


@pytest.mark.parametrize("place", [_in_pool, _in_thread])
def test_a_thread_that_is_given_the_config_is_part_of_its_node(recording: Recording, place: Any) -> None:
    model = Says("4")

    def think(state: MessagesState, config: RunnableConfig) -> Any:
        return {"messages": [place(lambda: model.invoke("elsewhere", config))]}

    recording.run(line(think=think).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: elsewhere
              > assistant: 4
          out assistant: 4
    """)


def test_a_pool_of_langchain_is_part_of_its_node(recording: Recording) -> None:
    recording.run(_elsewhere(_in_context_pool), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: elsewhere
              > assistant: 4
          out assistant: 4
    """)


def test_tasks_and_threads_of_asyncio_are_part_of_their_node(later: Recording) -> None:
    model = Says("4")

    async def think(state: MessagesState) -> Any:
        await asyncio.create_task(model.ainvoke("task"))
        return {"messages": [await asyncio.to_thread(model.invoke, "thread")]}

    later.run(line(think=think).compile(), ASKED)
    later.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: task
              > assistant: 4
            call c1
              < user: thread
              > assistant: 4
          out assistant: 4
    """)


def test_callbacks_that_are_given_inside_a_node(recording: Recording) -> None:
    model, config = Says("4"), RunnableConfig(callbacks=[recording.recorder])

    async def later(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke("q", config)]}

    node = RunnableLambda(lambda state: {"messages": [model.invoke("q", config)]}, afunc=later, name="think")
    recording.run(line(think=node).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
            call c0
              < user: q
              > assistant: 4
          out assistant: 4
    """)


def test_a_graph_that_is_recorded_where_its_parent_is_not(recording: Recording) -> None:
    config: Any = {"callbacks": [recording.recorder], "tags": ["inner"], "metadata": {"k": 1}}
    graph = line(sub=line(think=asking(Says("4"))).compile(name="inner").with_config(config)).compile()
    recording.run(graph, ASKED, callbacks=None)
    recording.assert_tells("""
        inner tags=['inner'] metadata={'k': 1}
          in user: 2+2?
          step think path='sub/think'
            call c0
              < user: 2+2?
              > assistant: 4
          out assistant: 4
    """)


def test_a_graph_that_is_recorded_with_its_parent(recording: Recording) -> None:
    inner = line(think=asking(Says("4"))).compile(name="inner").with_config(callbacks=[recording.recorder])
    recording.run(line(sub=inner).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step sub
            step think
              call c0
                < user: 2+2?
                > assistant: 4
          out assistant: 4
    """)


def test_custom_events_are_passed_over(recording: Recording) -> None:
    def think(state: MessagesState) -> Any:
        dispatch_custom_event("progress", {"share": 0.5})
        return saying("4")(state)

    recording.run(line(think=think).compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step think
          out assistant: 4
    """)
