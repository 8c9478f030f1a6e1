"""A trace in a Parquet file and back: nothing of it may change."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from langdistill.records import (
    Call,
    Feedback,
    Handoff,
    Interrupt,
    Message,
    Reply,
    Search,
    Step,
    Thought,
    ToolRun,
    Trace,
    Usage,
)
from langdistill.stores.body import encode
from langdistill.stores.exporting import export_traces
from langdistill.stores.importing import import_traces
from langdistill.stores.parquet import read_rows, write_parquet
from langdistill.stores.parquet_rows import row_of, trace_of
from langdistill.stores.sqlite import SQLiteStore
from langdistill.testing.memory import MemoryStore
from langdistill.testing.store_conformance import ODD, full, numbered
from tests.stores.importers.conftest import Came
from tests.test_extras import told

texts = some.text(some.characters(categories=None), max_size=12) | some.just(ODD)
maybe = some.none() | texts
numbers = some.floats() | some.floats(1.7e9, 1.8e9)
values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = some.dictionaries(texts, values, max_size=3)
wholes = some.integers(0, 2**70)
indices = some.none() | some.integers(-1, 2**40)
outcomes = some.sampled_from(["ended", "failed", "interrupted", "handed-off", "cancelled", "lost"])


@some.composite
def messages(draw: some.DrawFn) -> Message:
    content = draw(maybe | some.lists(values, max_size=3) | some.just("[1]"))
    said: Any = {"role": draw(some.sampled_from(["system", "user", "assistant", "tool"])), "content": content}
    for name in ("name", "tool_call_id", "reasoning_content"):
        if draw(some.booleans()):
            said[name] = draw(texts)
    if draw(some.booleans()):
        said["tool_calls"] = draw(some.lists(objects, max_size=2))
    return said


def built(record: type, **fields: Any) -> some.SearchStrategy[Any]:
    return some.builds(record, **fields)


usages = built(Usage, **dict.fromkeys(Usage.model_fields, wholes))
replies = built(
    Reply, message=messages(), finish_reason=maybe, logprobs=some.none() | some.lists(values, max_size=2),
    partial=some.booleans(),
)  # fmt: skip
calls = built(
    Call, id=texts, step=indices, parent=indices, path=texts, node=maybe, branch=indices, strategy=maybe,
    candidate=some.booleans(), refinement=some.booleans(), hint=maybe, retries=indices, cached=some.booleans(), model=maybe, provider=maybe, params=objects,
    tools=some.lists(objects, max_size=2), prompt=some.lists(messages(), max_size=2),
    replies=some.lists(replies, max_size=2), usage=usages, started=numbers, first_token=some.none() | numbers,
    ended=numbers, error=maybe,
)  # fmt: skip
steps = built(
    Step, name=texts, path=texts, parent=indices, agent=maybe, branch=indices, attempt=wholes, started=numbers,
    ended=numbers, outcome=outcomes, error=maybe,
)  # fmt: skip
tool_runs = built(
    ToolRun, id=texts, name=texts, step=indices, call=indices, tool_call_id=maybe, path=texts, arguments=values,
    output=values, started=numbers, ended=numbers, error=maybe,
)  # fmt: skip
thoughts = built(
    Thought, parent=indices, action=texts, text=texts, answer=maybe, reward=some.none() | numbers, visits=wholes, value=numbers,
    agreed=wholes, completed=wholes,
)  # fmt: skip
searches = built(Search, step=indices, thoughts=some.lists(thoughts, max_size=3), chosen=indices)
odd_traces = built(
    Trace, id=texts, source=maybe, name=texts, strategy=maybe, thread=maybe, user=maybe, continues=maybe, resume=values,
    input=some.lists(messages(), max_size=2), earlier=wholes, output=some.lists(messages(), max_size=2), answer=maybe,
    steps=some.lists(steps, max_size=2), calls=some.lists(calls, max_size=2), tool_runs=some.lists(tool_runs, max_size=2),
    interrupts=some.lists(built(Interrupt, id=texts, value=values, path=texts), max_size=2),
    handoffs=some.lists(built(Handoff, source=texts, target=texts), max_size=2),
    searches=some.lists(searches, max_size=2),
    feedback=some.lists(built(Feedback, name=maybe, score=some.none() | numbers, comment=maybe, at=numbers), max_size=2),
    tags=some.lists(texts, max_size=2), metadata=objects, versions=some.dictionaries(texts, texts, max_size=2),
    consent=maybe, licence=maybe, started=numbers, ended=numbers, outcome=outcomes, error=maybe, lost=wholes,
    expires=some.none() | numbers,
)  # fmt: skip


def told_exactly(trace: Trace) -> str:
    """Every field, NaN and -0.0 too, and 1 is not True."""
    return repr(trace.model_dump())


def test_every_field_is_drawn() -> None:
    """So that a field that is added to the records cannot be forgotten here."""
    for record in (odd_traces, calls, steps, tool_runs, replies, searches, thoughts):
        drawn: Any = record.wrapped_strategy  # type: ignore[attr-defined]
        assert set(drawn.kwargs) | {"version"} >= set(drawn.target.model_fields)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.lists(odd_traces, max_size=3))
def test_odd_traces_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, traces: list[Trace]) -> None:
    path = tmp_path_factory.mktemp("parquet") / "t.parquet"
    assert write_parquet(traces, path) == len(traces)
    assert [told_exactly(trace_of(row)) for row in read_rows(path)] == [told_exactly(trace) for trace in traces]


def test_an_ordinary_trace_needs_no_exceptions() -> None:
    blocks: Message = {"role": "user", "content": [{"type": "text", "text": "[1]"}]}
    said: Message = {"role": "assistant", "content": "[1]", "tool_calls": []}
    call = Call(id="c", params={"t": 0.1}, prompt=[blocks], replies=[Reply(message=said)], started=1763733015.1234567)
    row = row_of(Trace(id="a", calls=[call], input=[blocks], output=[said]))
    assert row["exactly"] is None
    assert row["clock"] == [0.0, 0.0, None, 1763733015.1234567, None, 0.0]
    assert row["calls"][0]["started"] == 1763733015123457, "the timestamp that other tools read"
    assert row_of(full())["exactly"], "half a surrogate pair is in no column"


def test_export_import_and_the_store_is_the_same(tmp_path: Path) -> None:
    one, other = SQLiteStore(tmp_path / "1.db"), SQLiteStore(tmp_path / "2.db")
    said = [Feedback(score=0.25, comment=ODD, at=1763733015.1234567)]
    one.add([full().model_copy(update={"feedback": said, "source": "otel"}), *numbered(1200)])
    assert export_traces(one, tmp_path / "t.parquet") == 1201
    became = import_traces(tmp_path / "t.parquet", "langdistill", other)
    assert (became.traces, became.unmapped) == (1201, [])
    assert list(other.traces()) == list(one.traces())
    one.close(), other.close()


def test_a_folder_of_both_formats(tmp_path: Path) -> None:
    for name, at in (("a.jsonl", 0), ("b.parquet", 1), ("c", 2)):
        store = MemoryStore()
        store.add(numbered(3)[at : at + 1])
        ending = "parquet" if name == "c" else name.partition(".")[2]
        export_traces(store, tmp_path / f"x.{ending}")
        (tmp_path / f"x.{ending}").rename(tmp_path / name)
    assert [one.id for one in Came("langdistill", tmp_path).traces] == ["g0", "g1"]
    assert [one.id for one in Came("langdistill", tmp_path / "c").traces] == ["g2"], "whatever its name"


def test_what_is_no_parquet_of_ours_is_told(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"]}), foreign)
    write_parquet(numbered(3), tmp_path / "cut.parquet")
    whole = (tmp_path / "cut.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.parquet").write_bytes(b"")
    for name, said in (("foreign", "no column 'version'"), ("cut", "Expected Parquet"), ("empty", "Expected Parquet")):
        found = Came("langdistill", tmp_path / f"{name}.parquet")
        [one] = found.unmapped
        assert (one.where, one.reason, found.traces) == (f"{name}.parquet", "no-parquet", [])
        assert said in one.detail


def test_a_row_that_was_changed_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_parquet(numbered(4), path)
    table = pyarrow.parquet.read_table(path)
    changes = {
        "outcome": ["ended", "nonsense", "ended", "ended"],
        "clock": [[0.0, 0.0, None]] * 2 + [[], [0.0, 0.0, None]],
    }
    for name, values in changes.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(name), pyarrow.array(values, table.schema.field(name).type))
    pyarrow.parquet.write_table(table, path)
    found = Came("langdistill", path)
    assert [one.id for one in found.traces] == ["g0", "g3"]
    assert [(one.where, one.reason) for one in found.unmapped] == [
        ("t.parquet, row 2", "no-trace"), ("t.parquet, row 3", "no-trace"),
    ]  # fmt: skip
    assert found.unmapped[0].detail.startswith("outcome: Input should be 'ended'")


def test_reading_is_bounded(tmp_path: Path) -> None:
    text = "some words to keep " * 5_000  # 95 KB

    def traces() -> Any:
        for at in range(600):
            yield Trace(id=str(at), calls=[Call(id="c", prompt=[{"role": "user", "content": f"{at} {text}"}])])

    write_parquet(traces(), tmp_path / "t.parquet")
    tracemalloc.start()
    assert sum(1 for row in read_rows(tmp_path / "t.parquet") if trace_of(row).calls) == 600
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40_000_000, "of 57 MB of text"


def test_what_a_store_cannot_hold_is_told(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    trace = Trace(id="deep", metadata={"a": deep})
    assert encode(trace)
    write_parquet([trace], tmp_path / "t.parquet")
    [back] = Came("langdistill", tmp_path / "t.parquet").traces
    assert back == trace


def test_without_its_extra(tmp_path: Path) -> None:
    write_parquet(numbered(1), tmp_path / "t.parquet")
    statement = "from langdistill.stores.importers.langdistill import *; list(read(Path('t.parquet')))"
    assert told({"pyarrow"}, statement, tmp_path).endswith("pip install 'langdistill[parquet]'")
