"""Feedback, a recorder that is closed or not, and a store that fails."""

from __future__ import annotations

import subprocess
import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from langdistill import TraceRecorder
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.memory import MemoryStore
from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, line
from tests.recording.scenarios.models import Says
from tests.recording.scenarios.outline import outline


def test_feedback_of_a_user(now: Recording) -> None:
    now.run(Says("4"), "2+2?")
    now.recorder.feedback(now.trace.id, score=1, comment="good", name="helpful")
    [feedback] = now.trace.feedback
    assert (feedback.score, feedback.comment, feedback.name) == (1.0, "good", "helpful")
    assert feedback.at > now.trace.ended


def test_a_store_that_fails_never_reaches_the_run(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryStore):
        def add(self, traces: Any) -> None:
            raise OSError("disk full")

    recorder = TraceRecorder(Broken())
    for _ in range(3):
        assert Says("4").invoke("2+2?", {"callbacks": [recorder]}).text == "4"
        recorder.flush()
    recorder.close()
    assert recorder.lost == 3
    assert len([record for record in caplog.records if "disk full" in str(record.exc_info)]) == 1


def test_a_run_that_has_not_ended_when_the_recorder_is_closed(tmp_path: Path) -> None:
    recorder, model = TraceRecorder(tmp_path / "t.db"), Says("4")

    def think(state: Any) -> Any:
        said = model.invoke(state["messages"])
        recorder.close()
        return {"messages": [said]}

    line(think=think).compile().invoke(ASKED, {"callbacks": [recorder]})
    store = SQLiteStore(tmp_path / "t.db", must_exist=True)
    [trace] = store.traces()
    store.close()
    assert outline([trace]) == cleandoc("""
        LangGraph outcome='lost' error='the process ended before the run did'
          in user: 2+2?
          step think outcome='lost'
            call c0
              < user: 2+2?
              > assistant: 4
    """)


def test_a_run_that_begins_after_the_recorder_was_closed_is_counted(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    recorder.close()
    assert Says("4").invoke("2+2?", {"callbacks": [recorder]}).text == "4"
    recorder.flush()
    recorder.close()
    assert recorder.lost
    store = SQLiteStore(tmp_path / "t.db", must_exist=True)
    assert list(store.traces()) == []
    store.close()


def test_a_script_that_never_closes_its_recorder_loses_nothing(tmp_path: Path) -> None:
    script = f"""
from langchain_core.language_models import FakeListChatModel
from langdistill import TraceRecorder
recorder = TraceRecorder({str(tmp_path / "t.db")!r})
for i in range(20):
    FakeListChatModel(responses=["yes"]).invoke("q", {{"callbacks": [recorder]}})
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    store = SQLiteStore(tmp_path / "t.db", must_exist=True)
    assert len(list(store.traces())) == 20
    store.close()


def test_consent_and_licence_of_the_recorder_go_where_a_run_has_none(tmp_path: Path) -> None:
    store = MemoryStore()
    recorder = TraceRecorder(store, consent="research", licence="cc0")
    for metadata in ({}, {"consent": "training"}):
        Says("4").invoke("2+2?", {"callbacks": [recorder], "metadata": metadata})
    recorder.close()
    assert [(one.consent, one.licence) for one in store.traces()] == [("research", "cc0"), ("training", "cc0")]
