"""Recording that is switched on for a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import langdistill
from langdistill import TraceRecorder
from langdistill.errors import StoreError
from langdistill.recording import switching
from langdistill.recording.journal.places import place_of
from langdistill.stores.opening import open_store
from langdistill.testing.models import ScriptedChatModel

SCRIPT = """
import langdistill, threading
from langchain_core.language_models import FakeListChatModel
ask = lambda: FakeListChatModel(responses=["yes"]).invoke("q")
thread = threading.Thread(target=ask); thread.start(); thread.join()
print(ask().text)
"""


def asked(question: str) -> None:
    ScriptedChatModel(script=lambda messages, at: "yes").invoke(question)


def recorded(path: Path) -> list[str]:
    store = open_store(path, must_exist=True)
    found = [str(trace.input[0]["content"]) for trace in store.traces()]
    store.close()
    return found


@pytest.fixture(autouse=True)
def off_again() -> Iterator[None]:
    yield
    if recorder := switching._process_wide.get():
        recorder.close()


def test_every_run_in_every_thread_until_it_is_closed(tmp_path: Path) -> None:
    asked("before")
    recorder = langdistill.record(tmp_path / "t.db")
    asked("here")
    thread = threading.Thread(target=asked, args=["in a new thread"])
    thread.start()
    thread.join()
    recorder.close()
    asked("after")
    assert recorded(tmp_path / "t.db") == ["here", "in a new thread"]
    assert recorder.lost == 0


def test_a_recorder_that_is_given_as_well_records_once(tmp_path: Path) -> None:
    recorder = langdistill.record(tmp_path / "t.db")
    model = ScriptedChatModel(script=lambda messages, at: "yes")
    model.invoke("q", {"callbacks": [recorder]})
    with recorder:
        model.invoke("q")
    recorder.close()
    assert recorded(tmp_path / "t.db") == ["q", "q"]


def test_a_second_one_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first = langdistill.record(tmp_path / "first.db")
    asked("one")
    second = langdistill.record(tmp_path / "second.db")
    asked("two")
    first.close()
    asked("three")
    second.close()
    assert recorded(tmp_path / "first.db") == ["one"]
    assert recorded(tmp_path / "second.db") == ["two", "three"]


def test_options_are_those_of_the_recorder(tmp_path: Path) -> None:
    recorder = langdistill.record(tmp_path / "t.db", sample=0.0)
    asked("q")
    recorder.close()
    assert isinstance(recorder, TraceRecorder)
    assert recorded(tmp_path / "t.db") == []


def run(store: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANGDISTILL_TRACE": store}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )


def test_the_environment_switches_it_on(tmp_path: Path) -> None:
    assert run("traces.db", tmp_path).stdout == "yes\n"
    assert recorded(tmp_path / "traces.db") == ["q", "q"]
    assert [path.name for path in tmp_path.iterdir()] == ["traces.db"], "a journal that was delivered is gone"


@pytest.mark.parametrize("off", ["", "0", "false", "False"])
def test_the_environment_leaves_it_off(tmp_path: Path, off: str) -> None:
    assert run(off, tmp_path).stdout == "yes\n"
    assert not list(tmp_path.iterdir())


def test_a_store_that_cannot_be_opened_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be one" * 50)
    done = run("text.db", tmp_path)
    assert done.stdout == "yes\n"
    assert "nothing is recorded" in done.stderr


@pytest.mark.xdist_group("postgres")
def test_the_environment_names_a_server_that_is_not_up_yet(tmp_path: Path, tables: str) -> None:
    """The program ends before the server comes; the next one on the same store takes in what was left."""
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    nowhere = "postgresql://tester@127.0.0.1:1/postgres"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**environment, "LANGDISTILL_TRACE": nowhere},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "yes\n"
    assert "traces wait in the journal" in done.stderr
    [journal] = (tmp_path / "state/langdistill").iterdir()
    found = place_of(tables, tmp_path / "found")
    assert found is not None
    found.parent.mkdir()
    journal.rename(found)  # as if the same address were reached at last
    recorder = TraceRecorder(tables, journal=tmp_path / "found")
    assert recorder.flush()
    assert [trace.input[0]["content"] for trace in recorder.store.traces()] == ["q", "q"]
    assert recorder.lost == 0
    recorder.close()


def test_a_store_that_opens_later(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "t.db"
    recorder = TraceRecorder(path, journal=tmp_path / "journal", open_later=True)
    model = ScriptedChatModel(script=lambda messages, at: "yes")
    model.invoke("q", {"callbacks": [recorder]})
    with pytest.raises(StoreError, match="could not be opened yet"):
        recorder.store  # noqa: B018
    assert not recorder.flush(0.1)
    path.parent.mkdir()
    assert recorder.flush()
    assert recorder.lost == 0
    recorder.close()
    assert recorded(path) == ["q"]
