"""Rows of whole agent runs, by hand and from the imported traces of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from langdistill.filters.judging import Judgement, RowFilter
from langdistill.groups import Group
from langdistill.records import Example, Trace
from langdistill.stores.importing import find_importer


def said(content: Any, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content} | ({"tool_calls": list(calls)} if calls else {}) | more


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def calls(name: Any, arguments: Any = "{}", id: Any = "c1") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(content: Any, id: str | None = "c1") -> dict[str, Any]:
    return {"role": "tool", "content": content} | ({} if id is None else {"tool_call_id": id})


def offers(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": sorted(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def row(*target: dict[str, Any], **fields: Any) -> Example:
    filled: dict[str, Any] = {"messages": [user("Q?")], "target": list(target), "problem": "p", "trace": "t", **fields}
    return Example(**filled)


def judged(filter: RowFilter, one: Example, *traces: Trace) -> Judgement:
    return filter.judge(one, Group("p", originals=traces, rows=(one,)))


def whole(trace: Trace, **fields: Any) -> Example:
    """What a student of the whole agent would learn of a run."""
    tools = {str(tool): tool for call in trace.calls for tool in call.tools}
    return Example(
        messages=trace.input,
        target=trace.output,
        tools=list(tools.values()),
        problem=trace.problem,
        trace=trace.id,
        traces=[trace.id],
        at=trace.started,
        **fields,
    )


def group_of(*traces: Trace, **fields: Any) -> Group:
    return Group(traces[0].problem, originals=traces, rows=tuple(whole(trace, **fields) for trace in traces))


def imported(data: Path, format: str, path: str) -> Iterator[Group]:
    """A problem of its own for every trace of a file or a folder."""
    for trace in find_importer(format)(data / path):
        if isinstance(trace, Trace):
            yield group_of(trace)


INTEGERS = st.integers(-(2**63), 2**64 - 1)
"""Those that a store can hold."""
PLAIN = st.none() | st.booleans() | INTEGERS | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
BLOCKS = st.lists(st.text(max_size=9) | st.fixed_dictionaries({"type": st.just("text"), "text": ANYTHING}) | ANYTHING)
FUNCTION = st.fixed_dictionaries(
    {}, optional={"name": ANYTHING | st.just("look"), "arguments": ANYTHING | st.just('{"x": 1}')}
)
CALL = st.fixed_dictionaries(
    {}, optional={"id": ANYTHING | st.just("c1"), "function": FUNCTION | ANYTHING, "name": ANYTHING, "args": ANYTHING}
)
MESSAGE = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "user", "assistant", "tool"]),
        "content": st.none() | st.text(max_size=30) | BLOCKS,
    },
    optional={
        "tool_calls": st.lists(CALL, max_size=3),
        "tool_call_id": st.text(max_size=3) | st.just("c1"),
        "reasoning_content": st.text(max_size=9),
    },
)
TOOL = st.fixed_dictionaries(
    {}, optional={"type": ANYTHING, "function": FUNCTION | ANYTHING, "name": ANYTHING, "parameters": ANYTHING}
) | st.fixed_dictionaries(
    {"function": st.fixed_dictionaries({"name": st.just("look"), "parameters": ANYTHING | st.dictionaries(
        st.sampled_from(["type", "properties", "$ref", "required", "$schema", "items"]), ANYTHING)})}
)  # fmt: skip


def odd_rows() -> st.SearchStrategy[Example]:
    """Rows as bad imports may give them."""
    return st.builds(
        Example,
        messages=st.lists(MESSAGE, max_size=3),
        target=st.lists(MESSAGE, max_size=4),
        tools=st.lists(TOOL, max_size=2),
        problem=st.just("p"),
        trace=st.just("t"),
        call=st.none() | st.just("c"),
        good=st.none() | st.booleans(),
        rejected=st.none() | st.lists(MESSAGE, max_size=2),
        answer=st.none() | st.text(max_size=5),
        reasoning=st.none() | st.text(max_size=9),
        at=st.sampled_from([0.0, 1.0, 2.0]),
    )


def reasons(judgements: Sequence[Judgement]) -> list[tuple[bool | None, str]]:
    return [(one.keep, one.reason) for one in judgements]
