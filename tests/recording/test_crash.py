from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from langdistill import TraceRecorder
from langdistill.records import Trace

KILLS = 200
AT_ONCE = 2 * 3
"""Threads of a victim that may each be between the recorder and its telling: two agents, each with two tools."""


@pytest.mark.slow
def test_nothing_that_was_accepted_is_lost_in_200_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "traces.db"
    words = [sys.executable, str(Path(__file__).with_name("victims.py")), str(path), str(KILLS), "7"]
    said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=280).stdout
    told: list[list[Any]] = [json.loads(line) for line in said.splitlines()]
    assert len(told) == KILLS
    accepted, untold, outcomes = account(path, told)
    assert accepted > 10 * KILLS
    assert outcomes["ended"] > KILLS / 4
    assert outcomes["lost"] > KILLS / 4, "kills hit runs"
    with capsys.disabled():
        print(f"\n{KILLS} kills: {accepted} events accepted, {accepted} found, {untold} more; {outcomes}")


def account(path: Path, told: list[list[Any]]) -> tuple[int, int, Counter[str]]:
    """Take in what is left, and see that every event that was told is in the store, and hardly any other."""
    with TraceRecorder(path) as recorder:
        assert recorder.flush()
        stored = list(recorder.store.traces())
    assert recorder.lost == 0
    recorder.close()
    assert not Path(f"{path}.journal.d").exists(), "all that was left behind was taken in"

    traces = {one.id: one for one in stored}
    assert len(traces) == len(stored), "no trace is doubled"
    by_root: dict[str, list[Any]] = {}
    for root, *event in (event for one in told for event in one):
        by_root.setdefault(root, []).append(event)
    missing = [event for root, events in by_root.items() for event in events if not holds(traces.get(root), event)]
    assert missing == []
    for root, events in by_root.items():
        has_no_more_than_was_told(traces[root], events)
    untold = sum(events_of(one) for one in stored) - sum(map(len, by_root.values()))
    assert 0 <= untold <= KILLS * AT_ONCE
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return sum(map(len, by_root.values())), untold, Counter(one.outcome for one in stored)


def holds(trace: Trace | None, event: list[str]) -> bool:
    """Whether an event that was told is in the trace."""
    if trace is None:
        return False
    kind, run_id, text = event
    match kind:
        case "root":
            return True
        case "root end":
            return trace.outcome == "ended" and trace.output[-1]["content"] == f"done with {trace.input[0]['content']}"
        case "step" | "step end":
            return any(one.name == text and (kind == "step" or one.outcome == "ended") for one in trace.steps)
        case "call":
            return any(one.id == run_id and one.prompt[-1]["content"] == text for one in trace.calls)
        case "call end":
            return any(
                one.id == run_id and [text] == [r.message["content"] for r in one.replies] for one in trace.calls
            )
        case "tool":
            return any(one.id == run_id for one in trace.tool_runs)
        case _:
            return any(one.id == run_id and one.output["content"] == text for one in trace.tool_runs)


def events_of(trace: Trace) -> int:
    """How many events a trace was made of."""
    began = [*trace.steps, *trace.calls, *trace.tool_runs]
    ended = [one for one in trace.steps if one.outcome == "ended"]
    ended += [one for one in (*trace.calls, *trace.tool_runs) if one.error is None]
    return 1 + len(began) + len(ended) + (trace.outcome == "ended")


def has_no_more_than_was_told(trace: Trace, events: list[list[str]]) -> None:
    """At most what was on its way from the recorder to the telling; and nothing twice."""
    told = Counter(kind for kind, _, _ in events)
    assert trace.lost == 0
    assert told["step"] <= len(trace.steps) <= told["step"] + AT_ONCE
    assert sum(one.outcome == "ended" for one in trace.steps) >= told["step end"]
    for kind, found in (("call", trace.calls), ("tool", trace.tool_runs)):
        assert len({one.id for one in found}) == len(found)
        assert told[kind] <= len(found) <= told[kind] + AT_ONCE
    if not told["root end"] and trace.outcome != "ended":
        assert (trace.outcome, trace.error) == ("lost", "the process ended before the run did")
