"""What a resumed run says of the one that it continues, where that is not plain."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langdistill import TraceRecorder
from langdistill.recording.privacy.redaction import pattern
from langdistill.records import Trace
from tests.recording.accounts import settled


def graph(questions: int, *, from_message: int = 0) -> Any:
    """Asks a human so often, then says "OK."."""

    def ask(state: MessagesState) -> Any:
        for at in range(questions if len(state["messages"]) > from_message else 0):
            interrupt(at)
        return {"messages": [AIMessage("OK.")]}

    flow = StateGraph(MessagesState)
    flow.add_node("ask", ask)
    flow.add_edge(START, "ask")
    flow.add_edge("ask", END)
    return flow.compile(checkpointer=InMemorySaver())


def into(recorder: TraceRecorder) -> Any:
    return {"callbacks": [recorder], "configurable": {"thread_id": "t"}}


def said(trace: Trace) -> tuple[list[Any], list[Any]]:
    return [one["content"] for one in trace.input], [one["content"] for one in trace.output]


def test_an_answer_that_repeats_an_earlier_one_is_an_answer(tmp_path: Path) -> None:
    with TraceRecorder(tmp_path / "t.db") as recorder:
        asking = graph(1, from_message=2)
        for given in ({"messages": ["one"]}, {"messages": ["two"]}, Command(resume="yes")):
            asking.invoke(given, into(recorder))
        *_, resumed = settled(recorder)
    recorder.close()
    assert said(resumed) == (["one", "OK.", "two"], ["OK."])


def test_stand_ins_that_are_numbered_in_another_order(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db", redact=[pattern("EMAIL", r"\w+@x\.org")])
    asking = graph(1)
    asking.invoke({"messages": ["mail ada@x.org"]}, into(recorder))
    asking.invoke(Command(resume="rather bob@x.org"), into(recorder))
    _, resumed = settled(recorder)
    recorder.close()
    assert resumed.resume == "rather <EMAIL_1>"
    assert said(resumed) == (["mail <EMAIL_2>"], ["OK."])


def test_the_last_stop_counts_though_another_recorder_has_it(tmp_path: Path) -> None:
    one, other = TraceRecorder(tmp_path / "t.db"), TraceRecorder(tmp_path / "t.db")
    asking = graph(2)
    for recorder, given in ((one, {"messages": ["q"]}), (other, Command(resume=1)), (one, Command(resume=2))):
        asking.invoke(given, into(recorder))
        assert recorder.flush()
    first, second, third = one.store.traces()
    one.close()
    other.close()
    assert [second.continues, third.continues] == [first.id, second.id]


def test_a_damaged_trace_does_not_hold_up_what_comes_after_it(tmp_path: Path) -> None:
    asking = graph(1)
    with TraceRecorder(tmp_path / "t.db") as recorder:
        asking.invoke({"messages": ["q"]}, {"configurable": {"thread_id": "t"}})
    recorder.close()
    with sqlite3.connect(tmp_path / "t.db") as db:
        [[stopped]] = db.execute("UPDATE trace SET body = X'00010203' RETURNING id").fetchall()
    db.close()
    recorder = TraceRecorder(tmp_path / "t.db")
    asking.invoke(Command(resume="yes"), into(recorder))
    assert recorder.flush(10), "the recorder waits for ever"
    recorder.store.remove([stopped])
    [resumed] = recorder.store.traces()
    recorder.close()
    assert resumed.continues == stopped
    assert said(resumed) == (["q"], ["OK."])
