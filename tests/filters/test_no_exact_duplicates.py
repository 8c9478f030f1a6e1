from __future__ import annotations

from typing import Any

from langdistill.datasets.harvest import harvest
from langdistill.filters.no_exact_duplicates import no_exact_duplicates
from langdistill.groups import Group
from langdistill.records import Example, Trace
from langdistill.testing.memory import MemoryStore


def row(question: str, answer: str, problem: str = "p", **fields: Any) -> Example:
    prompt: Any = [{"role": "user", "content": question}]
    return Example(
        messages=prompt, target=[{"role": "assistant", "content": answer}], problem=problem, trace="t", **fields
    )


def verdicts(*groups: list[Example]) -> list[Any]:
    told = no_exact_duplicates().over([Group(f"p{at}", rows=tuple(rows)) for at, rows in enumerate(groups)])
    return [(one.keep, one.reason, one.evidence, one.dropped) for one in told]


def test_the_first_stays() -> None:
    said = verdicts(
        [row("What is 2+2?", "4", "p0")], [row("what is\n 2+2?", "4", "p1")], [row("What is 2+2?", "5", "p2")]
    )
    assert said == [
        (True, "first", {}, {}),
        (False, "duplicate", {"repeats": "p0"}, {}),
        (True, "first", {}, {}),
    ]


def test_rows_of_one_problem() -> None:
    a, b = row("Q", "a", "p0"), row("Q", "b", "p0")
    assert verdicts([a, a, b], [b, a]) == [
        (True, "first", {"rows": 3, "kept": 2, "gone": {"1": {"repeats": "p0"}}}, {1: "duplicate"}),
        (False, "duplicate", {"rows": 2, "gone": {"0": {"repeats": "p0"}, "1": {"repeats": "p0"}}}, {}),
    ]


def call(id: str, arguments: str, name: str = "search") -> Any:
    return {"role": "assistant", "content": None, "tool_calls": [
        {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]}  # fmt: skip


def test_what_makes_a_difference() -> None:
    first = row("Q", "a")
    changes: list[dict[str, Any]] = [
        {"target": [call("1", '{"q": 1}')]},
        {"target": [call("1", '{"q": 2}')]},
        {"target": [call("1", '{"q": 1}', "find")]},
        {"target": [{"role": "assistant", "content": "a", "reasoning_content": "hm"}]},
        {"rejected": [{"role": "assistant", "content": "b"}]},
        {"tools": [{"type": "function", "function": {"name": "search"}}]},
        {"good": False},
        {"messages": [{"role": "system", "content": "Q"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "b.png"}}]}]},
    ]
    rows = [first, *(first.model_copy(update=one) for one in changes)]
    assert [keep for keep, *_ in verdicts(*([one] for one in rows))] == [True] * 11
    assert [keep for keep, *_ in verdicts(*([one] for one in rows * 2))] == [True] * 11 + [False] * 11


def test_what_makes_none() -> None:
    first = row("Q", "a").model_copy(update={"target": [call("1", '{"q": 1}')]})
    same = first.model_copy(update={"target": [call("2", '{"q": 1}')], "trace": "u", "at": 5.0, "weight": 0.5})
    blocks: Any = [{"role": "user", "content": [{"type": "text", "text": "ＡB c"}]}]
    assert [keep for keep, *_ in verdicts([first], [same])] == [True, False]
    assert [
        keep for keep, *_ in verdicts([row("ab  C", "x")], [row("", "x").model_copy(update={"messages": blocks})])
    ] == [True, False]


def test_alone_it_is_the_first() -> None:
    judge = no_exact_duplicates()
    group = Group("p", rows=(row("Q", "a"),))
    assert [judge(group).reason, judge(group).reason] == ["first", "first"]
    assert judge.params == {}


def test_through_a_harvest() -> None:
    store = MemoryStore()
    store.add(
        [
            Trace(id=f"t{at}", name="g", input=[{"role": "user", "content": question}],
                  output=[{"role": "assistant", "content": "Answer: 4"}], answer="4", metadata={"problem": f"p{at}"})
            for at, question in enumerate(["What is 2+2?", "what is 2+2?", "What is 8/2?"])
        ]
    )  # fmt: skip
    found = harvest(store).filter(no_exact_duplicates()).run()
    assert [one.problem for one in found.examples] == ["p0", "p2"]
    [reject] = found.rejects
    assert (reject["problem"], reject["reason"]) == ("p1", "duplicate")
