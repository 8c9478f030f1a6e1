"""Whatever is in a file, an importer raises nothing, and everything in it is in a trace or told.

What "everything" is can be counted: each row (a run, an observation, a span) is a step, a call, the run of a tool, the root of
its trace, or one of those that `Unmapped` tells. `LANGDISTILL_FUZZ` says how many files of each format are tried.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langdistill.records import Trace, canonical
from langdistill.stores.importing import Unmapped, find_importer
from tests.stores.importers.damage import damaged, with_bytes_damaged

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("LANGDISTILL_FUZZ", "150"))
MANY = 2700
"""With a quarter as many damaged in their bytes, and as many of any JSON at all: 4050 of each format."""
NOT_PLACED = {"no-id", "doubled", "no-run", "no-runs", "no-trace", "no-model-trace", "no-span"}
"""Reasons for which a row is in no trace."""


def langsmith_seeds(data: Path) -> Iterator[Any]:
    for line in (HERE / "langsmith.jsonl").read_text().splitlines():
        yield json.loads(line)
    for file in sorted((data / "langsmith").rglob("*wrap_openai*.json")):
        yield json.loads(file.read_text())


def langfuse_seeds(data: Path) -> Iterator[Any]:
    for file in sorted((data / "langfuse_traces").glob("*.trace.json")):
        document = json.loads(file.read_text())
        del document["trace"]["observations"]  # some of the same ones again
        yield document


def otel_seeds(data: Path) -> Iterator[Any]:
    for name in ("openinference", "openllmetry"):
        yield json.loads((HERE / f"{name}.json").read_text())


def listed(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def langsmith_rows(document: Any) -> list[Any]:
    """Runs that were posted, and patches of others."""
    posts = [*listed(document, "post"), *listed(document, "runs")]
    known = {run_id(one) for one in posts if isinstance(one, dict)}
    patches: list[Any] = []
    for one in listed(document, "patch"):
        if not isinstance(one, dict) or run_id(one) is None or run_id(one) not in known:
            known.add(run_id(one) if isinstance(one, dict) else None)
            patches.append(one)
    return posts + patches


def run_id(run: dict[str, Any]) -> str | None:
    if isinstance(run.get("id"), (str, int, float)) and not isinstance(run["id"], bool) and run["id"] != "":
        return str(run["id"])
    order = run.get("dotted_order")
    return order.split(".")[-1].partition("Z")[2] or None if isinstance(order, str) else None


def langfuse_rows(document: Any) -> list[Any]:
    if (
        isinstance(document, dict)
        and "traceId" in document
        and "trace" not in document
        and "observations" not in document
    ):
        return [document]
    return listed(document, "observations")


def otel_rows(document: Any) -> list[Any]:
    scopes = [scope for group in listed(document, "resourceSpans") for scope in listed(group, "scopeSpans")]
    return [span for scope in scopes for span in listed(scope, "spans")]


FORMATS: dict[str, tuple[Callable[[Path], Iterator[Any]], Callable[[Any], list[Any]]]] = {
    "langsmith": (langsmith_seeds, langsmith_rows),
    "langfuse": (langfuse_seeds, langfuse_rows),
    "otel": (otel_seeds, otel_rows),
}


def imported(format: str, path: Path) -> tuple[list[Trace], list[Unmapped]]:
    """What an importer makes of a file; every trace is one that the stores can keep."""
    items = list(find_importer(format)(path))
    traces = [one for one in items if isinstance(one, Trace)]
    for trace in traces:
        assert Trace.model_validate_json(trace.model_dump_json(exclude_defaults=True)) == trace
        canonical(trace.model_dump())
        for call in trace.calls:
            assert call.step is None or 0 <= call.step < len(trace.steps)
            assert call.parent is None or 0 <= call.parent < len(trace.calls)
        for tool in trace.tool_runs:
            assert tool.step is None or 0 <= tool.step < len(trace.steps)
            assert tool.call is None or 0 <= tool.call < len(trace.calls)
        for at, step in enumerate(trace.steps):
            assert step.parent is None or (0 <= step.parent < len(trace.steps) and step.parent != at)
    return traces, [one for one in items if isinstance(one, Unmapped)]


def assert_nothing_is_lost(format: str, document: Any, path: Path) -> None:
    path.write_text(json.dumps(document))
    traces, unmapped = imported(format, path)
    rows = FORMATS[format][1](json.loads(path.read_text()))
    placed = sum(len(one.steps) + len(one.calls) + len(one.tool_runs) for one in traces)
    told = sum(one.reason in NOT_PLACED for one in unmapped)
    assert placed <= len(rows)
    assert placed + told + len(traces) >= len(rows)
    assert traces or unmapped


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["id", "trace", "traceId", "observations", "post", "patch", "resourceSpans", "scopeSpans", "spans",
                         "attributes", "key", "value", "run_type", "type", "messages", "role", "content", "inputs"])
        | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


def assert_nothing_of_damaged_is_lost(format: str, data: Path, path: Path, examples: int) -> None:
    seeds = list(FORMATS[format][0](data))

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32), st.integers(0, 20))
    def values(seed: int, times: int) -> None:
        random = Random(seed)
        assert_nothing_is_lost(format, damaged(random.choice(seeds), random, times), path)

    @settings(max_examples=examples // 4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32))
    def some_bytes(seed: int) -> None:
        random = Random(seed)
        path.write_bytes(with_bytes_damaged(json.dumps(random.choice(seeds), ensure_ascii=False).encode(), random))
        traces, unmapped = imported(format, path)
        assert traces or unmapped

    @settings(max_examples=examples // 4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(json_values)
    def any_json(value: Any) -> None:
        path.write_text(json.dumps(value))
        traces, unmapped = imported(format, path)
        assert traces or unmapped or value == []

    values()
    some_bytes()
    any_json()


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_files(format: str, data: Path, tmp_path: Path) -> None:
    assert_nothing_of_damaged_is_lost(format, data, tmp_path / "file.json", EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_many_damaged_files(format: str, data: Path, tmp_path: Path) -> None:
    assert_nothing_of_damaged_is_lost(format, data, tmp_path / "file.json", MANY)


@pytest.mark.parametrize("format", FORMATS)
def test_whole_files_lose_nothing(format: str, data: Path, tmp_path: Path) -> None:
    documents = list(FORMATS[format][0](data))
    assert documents
    for document in documents:
        assert_nothing_is_lost(format, document, tmp_path / "file.json")
