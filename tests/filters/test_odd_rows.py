"""Whatever a bad import made of a row, a filter judges it and raises nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langdistill.filters.comparing import Comparison
from langdistill.filters.correct import correct
from langdistill.filters.decontaminated import decontaminated
from langdistill.filters.distinct_reasoning import distinct_reasoning
from langdistill.filters.feedback import feedback
from langdistill.filters.judged import judged
from langdistill.filters.judging import CorpusFilter, Filter
from langdistill.filters.length import length
from langdistill.filters.no_exact_duplicates import no_exact_duplicates
from langdistill.filters.no_fabricated_ending import no_fabricated_ending
from langdistill.filters.no_hint import no_hint
from langdistill.filters.no_near_duplicates import no_near_duplicates
from langdistill.filters.no_refusal import no_refusal
from langdistill.filters.no_schema_drift import no_schema_drift
from langdistill.filters.no_secrets import no_secrets
from langdistill.filters.no_truncation import no_truncation
from langdistill.filters.novel import novel
from langdistill.filters.on_topic import on_topic
from langdistill.filters.on_topic_by import on_topic_by
from langdistill.filters.relabel import relabel
from langdistill.filters.resample_on_correct import resample_on_correct
from langdistill.filters.shortest_correct import shortest_correct
from langdistill.filters.tool_calls_valid import tool_calls_valid
from langdistill.filters.tool_error_ratio import tool_error_ratio
from langdistill.filters.universal_agreement import universal_agreement
from langdistill.groups import Group
from langdistill.records import Call, Example, Reply, ToolRun, Trace
from langdistill.testing.models import OneReplyChatModel
from tests.filters.agents import ANYTHING, MESSAGE, odd_rows

JUDGE = OneReplyChatModel(script=lambda messages, number: "Score: 9\nAnswer: 4")
FILTERS: list[Filter] = [
    length(max_words=5, whole=True),
    no_refusal(),
    no_truncation(strict=True, shape=True),
    no_fabricated_ending(),
    tool_calls_valid(),
    no_schema_drift(prompts=True, descriptions=True),
    no_schema_drift(keep_valid=True),
    on_topic([f"cat {one}" for one in "bcdef"]),
    no_secrets(),
    tool_error_ratio(),
    resample_on_correct(),
    no_hint(),
    no_exact_duplicates(),
    no_near_duplicates(),
    novel(),
    distinct_reasoning(),
    decontaminated({"test": ["What do 2 and 2 make, if not more than that?"]}),
    feedback(),
    judged(JUDGE),
    relabel(JUDGE, samples=1),
    universal_agreement(JUDGE),
    on_topic_by(JUDGE, "cats"),
    correct({"p": "4"}),
    shortest_correct({"p": "4"}),
]


def run_of(row: Example, output: Any, message: Any) -> Trace:
    """The run that the row is from, with a tool run and a call as odd as the row."""
    tool = ToolRun(id="t", name="look", tool_call_id="c1", output=output, arguments=output)
    call = Call(id="c", hint="Known: it is 4.", candidate=True, replies=[Reply(message=message)])
    return Trace(id="t", input=row.messages, output=row.target, calls=[call], tool_runs=[tool])


@pytest.mark.parametrize("filter", FILTERS, ids=lambda one: one.name)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(odd_rows(), min_size=1, max_size=3), output=ANYTHING, message=MESSAGE, known=st.booleans())
def test_a_row_is_judged_however_odd(
    filter: Filter, rows: list[Example], output: Any, message: Any, known: bool
) -> None:
    traces = (run_of(rows[0], output, message),) if known else ()
    group = Group("p", originals=traces, rows=tuple(rows))
    first, again = filter(group), filter(group)
    assert first == again
    assert set(first.dropped) <= set(range(len(rows)))
    if isinstance(filter, Comparison):
        assert list(filter.over([group])) == [first]
    elif isinstance(filter, CorpusFilter):
        assert list(filter.over([group, group])) == [first, first]
    else:
        assert filter.batch([group, group]) == [first, first]


def test_a_problem_without_rows() -> None:
    for filter in FILTERS:
        assert filter(Group("p")).keep is None
