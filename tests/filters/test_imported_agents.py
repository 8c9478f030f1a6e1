"""What the filters say of whole agents' runs that others recorded, counted by reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from langdistill.datasets.harvest import harvest
from langdistill.filters.judging import CorpusFilter, Filter
from langdistill.filters.length import length
from langdistill.filters.no_fabricated_ending import no_fabricated_ending
from langdistill.filters.no_personal_data import no_personal_data
from langdistill.filters.no_refusal import no_refusal
from langdistill.filters.no_schema_drift import no_schema_drift
from langdistill.filters.no_secrets import no_secrets
from langdistill.filters.no_truncation import no_truncation
from langdistill.filters.tool_calls_valid import tool_calls_valid
from langdistill.filters.tool_error_ratio import tool_error_ratio
from langdistill.groups import Group, Rows
from langdistill.stores.importing import import_traces
from langdistill.testing.memory import MemoryStore
from tests.filters.agents import imported, whole

SETS = {
    "fireact runs": ("fireact", "fireact/trajs"),
    "fireact chats": ("fireact", "fireact/gpt_format"),
    "reason and tools": ("openai_chat", "llamafactory_demo/reason_tool_use_demo_50.jsonl"),
    "swe_agent": ("swe_agent", "swe_agent"),
    "toolbench": ("toolbench", "toolbench/answer"),
    "langfuse": ("langfuse", "langfuse_traces"),
    "langsmith": ("langsmith", "langsmith"),
    "inspect_ai": ("inspect_ai", "inspect_ai"),
}
ALL = {"fireact runs": 500, "fireact chats": 500, "reason and tools": 50, "swe_agent": 6, "toolbench": 5,
       "langfuse": 10, "langsmith": 3, "inspect_ai": 3}  # fmt: skip


def every(reason: str, **others: dict[str, int]) -> dict[str, dict[str, int]]:
    """The same reason for all rows of every set, but for those that are told."""
    return {name: others.get(name.replace(" ", "_"), {reason: count}) for name, count in ALL.items()}


EXPECTED: list[tuple[Filter, dict[str, dict[str, int]]]] = [
    (
        length(max_words=400),
        every(
            "fits",
            fireact_runs={"fits": 498, "too-long": 2},
            reason_and_tools={"fits": 43, "too-long": 7},
            swe_agent={"fits": 2, "too-long": 4},
            langfuse={"fits": 9, "too-long": 1},
        ),
    ),
    (no_refusal(), every("answers", reason_and_tools={"answers": 48, "refused": 2})),
    (
        no_truncation(shape=True),
        every(
            "no-finish-reason",
            langfuse={"no-finish-reason": 8, "finished": 2},
            langsmith={"finished": 3},
            inspect_ai={"finished": 3},
        ),
    ),
    (no_fabricated_ending(), every("said")),
    (
        tool_calls_valid(),
        every(
            "no-calls",
            # parallel calls with one result for all; "dict" and "int" for types
            reason_and_tools={"no-calls": 19, "valid": 25, "unanswered-call": 2, "bad-schema": 4},
            swe_agent={"no-calls": 2, "no-schemas": 1, "doubled-id": 3},  # replays, which use the recorded ids again
            toolbench={"valid": 4, "no-calls": 1},
            langfuse={"no-calls": 8, "no-schemas": 1, "valid": 1},
            inspect_ai={"valid": 1, "no-calls": 2},
        ),
    ),
    (no_schema_drift(), every("current", reason_and_tools={"current": 44, "no-order": 6})),
    (no_secrets(), every("clean")),
    (
        tool_error_ratio(0.5),
        every(
            "few-errors",
            reason_and_tools={"few-errors": 31, "no-tools": 19},
            toolbench={"few-errors": 4, "tool-errors": 1},
            langfuse={"few-errors": 5, "no-tools": 5},
            langsmith={"no-tools": 3},
            inspect_ai={"few-errors": 1, "no-tools": 2},
        ),
    ),
]


@pytest.fixture(scope="module")
def runs(data: Path) -> dict[str, list[Group]]:
    return {name: list(imported(data, *place)) for name, place in SETS.items()}


@pytest.mark.parametrize(("filter", "expected"), EXPECTED, ids=lambda one: getattr(one, "name", ""))
def test_reasons(filter: Filter, expected: dict[str, Any], runs: dict[str, list[Group]]) -> None:
    told: dict[str, Counter[str]] = {}
    for name, groups in runs.items():
        corpus = isinstance(filter, CorpusFilter)
        verdicts = list(filter.over(groups)) if corpus else filter.batch(groups)  # type: ignore[union-attr]
        told[name] = Counter(verdict.reason for verdict in verdicts)
    assert told == expected


def test_addresses_in_what_tools_said(runs: dict[str, list[Group]]) -> None:
    verdicts = no_personal_data(entities=["EMAIL_ADDRESS"]).batch(runs["toolbench"])
    assert Counter(verdict.reason for verdict in verdicts) == {"clean": 3, "personal-data": 2}
    assert [verdict.evidence["kinds"] for verdict in verdicts if not verdict.keep] == [{"EMAIL": 5}, {"EMAIL": 9}]


def whole_runs(group: Group) -> Rows:
    return Rows(tuple(whole(trace) for trace in group.originals if trace.output), "no-output")


def test_a_harvest_of_imported_agents(data: Path) -> None:
    store = MemoryStore()
    import_traces(data / "toolbench/answer", "toolbench", store)
    import_traces(data / "inspect_ai/analysis", "inspect_ai", store)
    import_traces(data / "swe_agent", "swe_agent", store)
    plan = harvest(store).target(whole_runs)
    found = plan.filter(no_schema_drift(), no_fabricated_ending(), tool_calls_valid(), tool_error_ratio()).run()
    assert len(found.examples) == 7
    assert Counter(one.problem.partition("/")[0].partition("-")[0] for one in found.examples) == {
        "question": 5,
        "marshmallow": 1,
        "browser": 1,
    }
    assert Counter(reject["reason"] for reject in found.rejects) == {
        "doubled-id": 3,
        "no-schemas": 1,
        "no-output": 1,
    }
    json.dumps([one.params for one, _ in EXPECTED])
