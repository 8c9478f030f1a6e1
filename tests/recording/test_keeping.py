"""Which runs are recorded, which traces stay, and how long."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from langdistill import TraceRecorder
from langdistill.recording.keeping import sampled, troubled, troubled_or
from langdistill.records import Call, Feedback, ToolRun, Trace
from langdistill.testing.models import ScriptedChatModel


def answering(messages: Any, at: int) -> str:
    if "fail" in messages[-1].text:
        raise ValueError("down")
    return "yes"


def asked(recorder: TraceRecorder, question: str, **metadata: Any) -> None:
    try:
        ScriptedChatModel(script=answering).invoke(question, {"callbacks": [recorder], "metadata": metadata})
    except ValueError:
        assert "fail" in question


def kept(recorder: TraceRecorder) -> list[str]:
    assert recorder.flush()
    return [str(trace.input[0]["content"]) for trace in recorder.store.traces()]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_runs_is_recorded(share: float) -> None:
    found = sum(sampled(share, f"run-{at}", {}) for at in range(4000)) / 4000
    assert found == pytest.approx(share, abs=0.03)


def test_a_conversation_is_recorded_as_a_whole(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db", sample=0.5)
    for thread in range(20):
        for turn in range(3):
            asked(recorder, f"{thread}", thread_id=f"thread {thread}", turn=turn)
    counts = {question: kept(recorder).count(question) for question in set(kept(recorder))}
    recorder.close()
    assert set(counts.values()) == {3}
    assert 2 <= len(counts) <= 18
    assert recorder.lost == 0, "what is left out on purpose is no loss"


def test_the_metadata_may_decide(tmp_path: Path) -> None:
    def agreed(metadata: Mapping[str, Any]) -> bool:
        return metadata.get("consent") == "training"

    recorder = TraceRecorder(tmp_path / "t.db", sample=agreed)
    asked(recorder, "a", consent="training")
    asked(recorder, "b", consent="none")
    asked(recorder, "c")
    assert kept(recorder) == ["a"]
    [trace] = recorder.store.traces()
    assert trace.consent == "training"
    recorder.close()


def test_consent_and_licence_have_defaults(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db", consent="service", licence="internal")
    asked(recorder, "a", consent="training")
    asked(recorder, "b", licence="CC BY 4.0")
    recorder.flush()
    assert [(trace.consent, trace.licence) for trace in recorder.store.traces()] == [
        ("training", "internal"),
        ("service", "CC BY 4.0"),
    ]
    recorder.close()


TROUBLES = [
    Trace(id="1", outcome="failed", error="down"),
    Trace(id="2", outcome="cancelled", error="cancelled"),
    Trace(id="3", outcome="lost"),
    Trace(id="4", lost=1),
    Trace(id="5", calls=[Call(id="c", error="down"), Call(id="d")]),
    Trace(id="6", tool_runs=[ToolRun(id="t", name="look", error="down")]),
    Trace(id="7", feedback=[Feedback(score=0.0)]),
]


@pytest.mark.parametrize("trace", TROUBLES, ids=lambda trace: trace.id)
def test_what_went_wrong_stays(trace: Trace) -> None:
    assert troubled(trace)
    assert troubled_or(0.0)(trace)


@pytest.mark.parametrize(
    "trace", [Trace(id="1"), Trace(id="2", outcome="interrupted"), Trace(id="3", feedback=[Feedback(score=1.0)])]
)
def test_what_went_well_stays_by_its_share_alone(trace: Trace) -> None:
    assert not troubled(trace)
    assert not troubled_or(0.0)(trace)
    assert troubled_or(1.0)(trace)


def test_tail_sampling_keeps_errors_at_once_and_waits_for_bad_feedback(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db", keep=troubled, feedback_window=timedelta(seconds=1))
    for question in ("good", "bad", "praised", "fail"):
        asked(recorder, question)
    assert kept(recorder) == ["good", "bad", "praised", "fail"], "feedback may come yet"
    ids = {str(trace.input[0]["content"]): trace.id for trace in recorder.store.traces()}
    recorder.feedback(ids["bad"], score=0.0)
    recorder.feedback(ids["praised"], score=1.0)
    recorder.flush()
    time.sleep(1.2)
    assert kept(recorder) == ["bad", "fail"]
    assert recorder.store.expire(time.time()) == 2
    recorder.close()


def test_without_a_window_a_refused_trace_is_not_written_at_all(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db", keep=troubled, feedback_window=timedelta(0))
    asked(recorder, "good")
    asked(recorder, "fail")
    assert kept(recorder) == ["fail"]
    recorder.close()
    with closing(sqlite3.connect(tmp_path / "t.db")) as opened:
        assert opened.execute("SELECT count(*) FROM trace").fetchone() == (1,)
    assert recorder.lost == 0


def test_traces_are_forgotten_after_their_time(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db", retain=timedelta(seconds=0.5))
    asked(recorder, "a")
    assert kept(recorder) == ["a"]
    time.sleep(0.6)
    assert kept(recorder) == []
    recorder.close()


def test_a_rule_that_fails_keeps_the_trace(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken(trace: Trace) -> bool:
        raise KeyError("score")

    recorder = TraceRecorder(tmp_path / "t.db", keep=broken)
    with caplog.at_level(logging.WARNING):
        asked(recorder, "a")
        assert kept(recorder) == ["a"]
    assert "the trace is kept" in caplog.text
    recorder.close()


def test_a_function_that_fails_to_tell_of_a_run_leaves_out_all_of_it(tmp_path: Path) -> None:
    def inside(question: str) -> Any:
        return ScriptedChatModel(script=answering).invoke(question, {"metadata": {"tenant": "a"}})

    recorder = TraceRecorder(tmp_path / "t.db", sample=lambda metadata: metadata["tenant"] == "a")
    RunnableLambda(inside).invoke("q", {"callbacks": [recorder]})
    assert kept(recorder) == []
    assert recorder.lost == 1
    asked(recorder, "of a", tenant="a")
    assert kept(recorder) == ["of a"]
    recorder.close()
