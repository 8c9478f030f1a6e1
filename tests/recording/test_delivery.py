from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langdistill import TraceRecorder
from langdistill.errors import StoreError
from langdistill.recording.journal.places import place_of
from langdistill.records import Trace
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import ScriptedChatModel
from tests.recording.accounts import Counted, asked, events_of, run, settled, stored

SMALL = 1 << 20


class Shut(MemoryStore):
    """Takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False
        self.asked = 0

    def add(self, traces: Sequence[Trace]) -> None:
        self.asked += 1
        if not self.open:
            raise StoreError("shut")
        super().add(traces)


def test_a_run_that_takes_days_does_not_hold_on_to_the_journal(tmp_path: Path) -> None:
    """It writes a little into every file, and the journal has room for less than what others write meanwhile."""
    recorder = TraceRecorder(tmp_path / "t.db", journal_bytes=SMALL)
    counts: list[int] = []

    def others() -> None:
        counts.append(run(recorder, 6, "z" * 10_000).count)
        assert recorder.flush(20)

    @tool
    def add() -> str:
        """Add."""
        thread = threading.Thread(target=others)  # not inside of this run
        thread.start()
        thread.join()
        return "added"

    def script(messages: list[Any], at: int) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": "add", "args": {}, "id": f"c{at}"}] if at < 30 else [])

    counted = Counted()
    long = create_agent(ScriptedChatModel(script=script), [add])
    long.invoke(asked("long"), {"callbacks": [recorder, counted], "recursion_limit": 200})
    traces = settled(recorder)
    assert recorder.lost == 0
    assert events_of(traces) == sum(counts) + counted.count
    [late] = [one for one in traces if one.input[0]["content"] == "long"]
    assert (late.outcome, late.lost, len(late.calls), len(late.tool_runs)) == ("ended", 0, 31, 30)
    recorder.close()


def test_a_store_that_fails_for_a_while_gets_every_trace_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    """Also what is known of the trace before: a resumed run is linked once, however often the store is asked."""
    graph = (
        StateGraph(MessagesState)
        .add_node("human", lambda state: {"messages": [AIMessage(interrupt("?"))]})
        .add_edge(START, "human")
        .compile(checkpointer=InMemorySaver())
    )
    store = Shut()
    recorder = TraceRecorder(store)
    config: Any = {"callbacks": [recorder], "configurable": {"thread_id": "t"}}
    graph.invoke(asked(), config)
    graph.invoke(Command(resume="yes"), config)
    assert not recorder.flush(1)
    assert store.asked > 2
    store.open = True
    assert recorder.flush(20)
    first, second = store.traces()
    assert second.continues == first.id
    assert recorder.lost == 0
    assert [one.levelno for one in caplog.records] == [logging.WARNING]
    recorder.close()


def test_a_trace_that_the_store_refuses_does_not_stop_the_others() -> None:
    class Picky(MemoryStore):
        def add(self, traces: Sequence[Trace]) -> None:
            if any("bad" in str(one.input) for one in traces):
                raise ValueError("bad")
            super().add(traces)

    store = Picky()
    recorder = TraceRecorder(store)
    for text in ("good", "bad", "good"):
        run(recorder, 1, text)
    assert recorder.flush(20)
    assert [one.input[0]["content"] for one in store.traces()] == ["good", "good"]
    assert recorder.lost == 1
    recorder.close()


def test_what_a_store_without_an_address_never_took_is_counted_at_the_end() -> None:
    recorder = TraceRecorder(Shut())
    folder = recorder._delivery._folder
    counted = run(recorder, 2)
    recorder.close()
    assert recorder.lost == counted.count
    assert not recorder.flush(1)
    assert not folder.exists(), "nobody would look there"


def test_a_store_that_breaks_in_an_unforeseen_way_does_not_end_the_recording(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(MemoryStore):
        broken = True

        def add_feedback(self, *_: Any, **__: Any) -> None:
            if self.broken:
                raise StoreError("shut")

    store = Odd()
    recorder = TraceRecorder(store)
    recorder.feedback("any", score=1)
    run(recorder)
    assert not recorder.flush(0.5)
    assert store.count() == 1, "traces do not wait for feedback"
    store.broken = False
    assert recorder.flush(20)
    recorder.close()
    assert len(caplog.records) == 1


def test_every_store_has_a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "link.db").symlink_to(tmp_path / "t.db")
    assert place_of("t.db") == place_of(Path("link.db")) == tmp_path / "t.db.journal.d"
    one, other = place_of("postgresql://a/b"), place_of("postgresql://a/c")
    assert one != other
    assert one is not None
    assert one.parent == tmp_path / "state" / "langdistill"
    mine = tmp_path / "mine"
    places = {place_of(target, mine) for target in ("t.db", "u.db", "postgresql://a/b")}
    assert len(places) == 3
    assert {place.parent for place in places if place} == {mine}
    assert place_of("t.db", mine) == place_of(tmp_path / "link.db", mine)
    assert place_of(MemoryStore()) is None


def test_what_was_left_for_one_store_is_not_taken_into_another(tmp_path: Path) -> None:
    class File(Shut):
        target = str(tmp_path / "a.db")

    first = TraceRecorder(File(), journal=tmp_path / "journals")
    counted = run(first)
    first.close()
    TraceRecorder(tmp_path / "b.db", journal=tmp_path / "journals").close()
    assert stored(tmp_path / "b.db") == []
    TraceRecorder(tmp_path / "a.db", journal=tmp_path / "journals").close()
    assert events_of(stored(tmp_path / "a.db")) == counted.count


def test_a_store_that_hangs_does_not_keep_the_process_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answering = threading.Event()

    class Hanging(MemoryStore):
        def add(self, traces: Sequence[Trace]) -> None:
            assert answering.wait(60)
            super().add(traces)

    monkeypatch.setattr("langdistill.recording.delivery.delivery.LAST_PATIENCE", 0.2)
    store = Hanging()
    recorder = TraceRecorder(store, journal=tmp_path)
    ScriptedChatModel(script=lambda messages, at: "yes").invoke("q", {"callbacks": [recorder]})
    recorder.close()
    assert "does not answer" in caplog.text
    assert not list(store.traces())
    answering.set()
    recorder._delivery._thread.join(60)  # pyright: ignore[reportPrivateUsage]
    assert len(list(store.traces())) == 1
    assert recorder.lost == 0


def test_a_fork_waits_until_expired_traces_are_removed(tmp_path: Path) -> None:
    """A child would inherit the locks of a store that is at work."""
    expiring, go_on = threading.Event(), threading.Event()

    class Slow(MemoryStore):
        def expire(self, now: float) -> int:
            expiring.set()
            assert go_on.wait(20)
            return super().expire(now)

    recorder = TraceRecorder(Slow(), journal=tmp_path)
    run(recorder, 1)
    assert expiring.wait(20)
    assert not recorder._delivery.pause(0.05)
    go_on.set()
    assert recorder._delivery.pause(20)
    recorder._delivery.go_on()
    recorder.close()
