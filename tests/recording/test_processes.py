"""Forks, several processes, ends of every kind, and callbacks within callbacks."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.messages import AIMessage

from langdistill import TraceRecorder
from langdistill.recording.journal.journal import Journal, left_behind
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.models import ScriptedChatModel
from tests.recording.accounts import Counted, agent, asked, events_of, run, settled, stored

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

RUNS = 5


def in_child(work: Callable[[], Any]) -> None:
    """Do something in a forked process, which ends as scripts do: with its exit functions."""
    child = os.fork()
    if not child:
        try:
            work()
            import atexit

            atexit._run_exitfuncs()
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status == 0


def intact(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("opened", [False, True], ids=["path", "open store"])
def test_a_forked_child_records_for_itself(tmp_path: Path, *, opened: bool) -> None:
    path = tmp_path / "t.db"
    recorder = TraceRecorder(SQLiteStore(path) if opened else path)
    before = run(recorder, RUNS)

    def work() -> None:
        run(recorder, RUNS)
        assert recorder.lost == 0
        assert recorder.flush()

    in_child(work)
    after = run(recorder, RUNS)
    recorder.close()
    traces = stored(path)
    assert (len(traces), recorder.lost) == (3 * RUNS, 0)
    assert events_of(traces) == 2 * before.count + after.count
    assert not Path(f"{path}.journal.d").exists()
    intact(path)


def test_a_child_that_records_nothing_leaves_everything_to_its_parent(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    journal = recorder._delivery.journal
    run(recorder, 1)
    in_child(lambda: (recorder.flush(), recorder.close(), journal.folder.stat()))
    counted = run(recorder, RUNS)
    recorder.close()
    assert (events_of(stored(tmp_path / "t.db")), recorder.lost) == (counted.count * 6 // 5, 0)


def test_feedback_in_a_child_does_not_touch_the_journal_of_its_parent(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    run(recorder)
    [trace] = settled(recorder)
    in_child(lambda: (recorder.feedback(trace.id, score=0.25), recorder.flush(), recorder.close()))
    recorder.feedback(trace.id, score=0.75)
    recorder.close()
    [trace] = stored(tmp_path / "t.db")
    assert sorted(one.score or 0 for one in trace.feedback) == [0.25, 0.75]
    assert recorder.lost == 0


def recorded_in_a_pool(recorder: TraceRecorder) -> None:
    run(recorder, RUNS)


def test_multiprocessing_forks_while_other_threads_record(tmp_path: Path) -> None:
    """The threads call the recorder alone: Python's import locks and LangChain's own may be held at a fork as well."""
    recorder = TraceRecorder(tmp_path / "t.db")
    done = threading.Event()
    ended: list[UUID] = []
    count = run(recorder).count

    def work() -> None:
        while not done.is_set():
            ended.append(root := uuid4())
            recorder.on_chain_start(None, asked(), run_id=root, name="thread")
            recorder.on_chain_end(asked(), run_id=root)
            time.sleep(0.005)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads:
        one.start()
    context: Any = multiprocessing.get_context("fork")
    children = [context.Process(target=recorded_in_a_pool, args=[recorder]) for _ in range(8)]
    for one in children:
        one.start()
        time.sleep(0.02)
    for one in children:
        one.join(60)
    done.set()
    for one in threads:
        one.join()
    recorder.close()
    assert [one.exitcode for one in children] == [0] * 8, "none waits for a lock that a thread of the parent held"
    traces = stored(tmp_path / "t.db")
    assert recorder.lost == 0
    assert len(traces) == len(ended) + 1 + 8 * RUNS
    assert events_of(traces) == 2 * len(ended) + (1 + 8 * RUNS) * count
    assert not Path(f"{tmp_path}/t.db.journal.d").exists(), "the children have closed theirs"
    intact(tmp_path / "t.db")


SHARED = """
import sys
from tests.recording.accounts import run
from langdistill import TraceRecorder
recorder = TraceRecorder(sys.argv[1])
count = run(recorder, 25).count
recorder.close()
print(count, recorder.lost)
"""


def test_four_processes_share_a_store(tmp_path: Path) -> None:
    words = [sys.executable, "-c", SHARED, str(tmp_path / "t.db")]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = [one.communicate()[0].split() for one in started]
    traces = stored(tmp_path / "t.db")
    assert [lost for _, lost in told] == ["0"] * 4
    assert len(traces) == 100
    assert events_of(traces) == sum(int(count) for count, _ in told)
    assert not (tmp_path / "t.db.journal.d").exists()


ENDS = """
import os, sys
from tests.recording.accounts import run
from langdistill import TraceRecorder
recorder = TraceRecorder(sys.argv[1])
print(run(recorder, 3).count, flush=True)
{end}
"""


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise ValueError('mine')", "os._exit(0)"])
def test_a_process_that_ends_without_closing_loses_nothing(end: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", ENDS.format(end=end), str(tmp_path / "t.db")]
    done = subprocess.run(words, capture_output=True, text=True)
    if "_exit" in end:
        TraceRecorder(tmp_path / "t.db").close()
    assert events_of(stored(tmp_path / "t.db")) == int(done.stdout)
    assert not (tmp_path / "t.db.journal.d").exists()


def test_what_a_killed_process_left_is_taken_in_by_one_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langdistill.recording.delivery.delivery.LOOK_EVERY", 0.5)
    recorder = TraceRecorder(tmp_path / "t.db")
    words = [sys.executable, "-c", ENDS.format(end="os._exit(0)"), str(tmp_path / "t.db")]
    count = int(subprocess.run(words, capture_output=True, text=True).stdout)
    end = time.monotonic() + 20
    while events_of(stored(tmp_path / "t.db")) < count:
        assert time.monotonic() < end
        time.sleep(0.1)
    recorder.close()


# closing


def test_runs_that_are_open_when_the_recorder_is_closed_are_kept_as_lost(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    counted = Counted()

    def close(messages: list[Any], at: int) -> AIMessage:
        recorder.close()
        return AIMessage("I go on.")

    output = agent(model=ScriptedChatModel(script=close)).invoke(asked(), {"callbacks": [recorder, counted]})
    assert output["messages"][-1].content == "I go on."
    [trace] = stored(tmp_path / "t.db")
    assert (trace.outcome, len(trace.calls), trace.calls[0].error) == ("lost", 1, "lost")
    assert events_of([trace]) + recorder.lost == counted.count, "what came later is counted"
    assert list(recorder.losses) == ["an event, since the recorder was closed"]
    assert not (tmp_path / "t.db.journal.d").exists()


def test_a_recorder_that_was_closed_does_no_harm(tmp_path: Path) -> None:
    recorder = TraceRecorder(tmp_path / "t.db")
    run(recorder)
    recorder.close()
    recorder.close()
    assert recorder.flush(1), "the store has everything"
    recorder.feedback(uuid4(), score=1)
    with recorder:
        agent().invoke(asked())
    run(recorder)
    recorder.close()
    assert len(stored(tmp_path / "t.db")) == 1
    assert recorder.lost > 2


# callbacks within callbacks, and what breaks in between


def test_a_generator_that_is_collected_inside_of_a_callback_is_recorded(tmp_path: Path) -> None:
    """Its end is told by the thread that is writing another event, and holds the locks."""
    recorder = TraceRecorder(tmp_path / "t.db")
    model = ScriptedChatModel(script=lambda messages, at: "one two three four")
    append = recorder._delivery.journal._active.append
    streams: list[Any] = []

    def collecting(*args: Any) -> Any:
        while streams:
            streams.pop()  # the last reference: the run ends here and now
            gc.collect()
        return append(*args)

    recorder._delivery.journal._active.append = collecting  # type: ignore[method-assign]
    for _ in range(5):
        stream = model.stream("Q", {"callbacks": [recorder]})
        next(stream)
        streams.append(stream)
        del stream
        model.invoke("Q", {"callbacks": [recorder]})
    traces = settled(recorder)
    assert (len(traces), recorder.lost) == (10, 0)
    assert sorted(one.outcome for one in traces) == ["cancelled"] * 5 + ["ended"] * 5
    recorder.close()


def test_a_signal_between_any_two_statements_of_the_journal_breaks_nothing(tmp_path: Path) -> None:
    """What Ctrl+C does: an error out of nowhere. What is written before and after it is there, and nothing twice."""
    place = tmp_path / "place"
    lines = 0

    def interrupted_at(stop: int) -> bool:
        journal = Journal(place, most=1 << 20)
        seen = 0

        def trace(frame: Any, event: str, arg: Any) -> Any:
            nonlocal seen
            if not frame.f_code.co_filename.endswith(("segments.py", "journal.py")):
                return None
            if event == "line":
                seen += 1
                if seen == stop:
                    raise KeyboardInterrupt
            return trace

        raised = False
        payload = bytes(30_000)
        assert journal.append(1, 1, 0, payload)
        assert journal.append(1, 1, 1, payload)
        sys.settrace(trace)
        try:
            journal.append(1, 2, 0, payload)  # opens the next file
        except KeyboardInterrupt:
            raised = True
        finally:
            sys.settrace(None)
        if not journal.append(1, 3, 0, payload):  # the next file was taken and not yet used: another one comes
            time.sleep(0.1)
            assert journal.append(1, 3, 0, payload)
        journal._closing.set()
        journal._wanted.ring()
        journal._thread.join()
        journal.abandon()
        [left] = left_behind(place)
        found = [(one.root, one.number) for one in left.entries]
        assert {(1, 0), (1, 1), (3, 0)} <= set(found) <= {(1, 0), (1, 1), (2, 0), (3, 0)}
        assert len(set(found)) == len(found)
        assert left.missing == 0
        left.remove()
        return raised

    while interrupted_at(lines + 1):
        lines += 1
    assert lines > 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a signal may come in a destructor
def test_a_recorder_is_interrupted_and_goes_on(tmp_path: Path) -> None:
    """Real signals, at random moments of real runs."""
    recorder = TraceRecorder(tmp_path / "t.db")
    graph = agent()
    ended = 0

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    gc.disable()  # a signal in a callback of the collector, such as that of Hypothesis, interrupts nothing
    try:
        for at in range(60):
            signal.setitimer(signal.ITIMER_REAL, 0.001 + at * 0.0005)
            try:
                graph.invoke(asked(), {"callbacks": [recorder]})
                ended += 1
            except KeyboardInterrupt:
                continue
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    counted = run(recorder)
    recorder.close()
    traces = stored(tmp_path / "t.db")
    assert events_of([trace for trace in traces if trace.outcome == "ended"][-1:]) == counted.count
    assert recorder.lost == 0
    assert sum(one.outcome == "ended" for one in traces) >= ended + 1
