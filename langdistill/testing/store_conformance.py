"""What every store of traces must do, as tests that anyone can run against a store of their own.

    from langdistill.testing.store_conformance import StoreTests

    class TestMine(StoreTests):
        @pytest.fixture
        def store(self):
            store = MyStore(...)        # empty
            yield store
            store.close()

`pytest.register_assert_rewrite("langdistill.testing.store_conformance")` in your `conftest.py` lets pytest show what differed.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from langdistill.records import Call, Feedback, Message, Reply, Search, Step, Thought, ToolRun, Trace, Usage
from langdistill.stores.columns import storable
from langdistill.stores.protocol import Derived, Row, Store, Where

ODD = "Grüße, 東京 \U0001f600 \u0000 \ud800 \u2028 'quoted' \"twice\" %s ? {x} \\"
"""Text that is hard on stores: a NUL character, half a surrogate pair, signs that queries are made of."""


def numbered(count: int, name: str = "g", **fields: Any) -> list[Trace]:
    """Traces with the ids "g0", "g1", ... and the problems "p0", "p1", ..."""
    return [Trace(id=f"{name}{at}", name=name, metadata={"problem": f"p{at}"}, **fields) for at in range(count)]


def full(trace_id: str = "full") -> Trace:
    """A trace with something in nearly every field."""
    asked: Message = {"role": "user", "content": ODD}
    calling: Message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {"name": "f"}}]}
    told: Message = {"role": "tool", "content": [{"type": "text", "text": ODD}], "tool_call_id": "c1"}
    said: Message = {"role": "assistant", "content": "4", "reasoning_content": ODD}
    return Trace(
        id=trace_id, name="agent", strategy="s", thread="t", user="u", input=[asked], output=[calling, told, said],
        answer="4", tags=["a", ODD], metadata={"problem": "p", ODD: [1, 2.5, None, {"deep": ODD}]}, consent="training",
        steps=[Step(name="model", started=5.0, ended=6.0), Step(name="tools", outcome="failed", error=ODD)],
        calls=[
            Call(id="1", step=0, prompt=[asked], replies=[Reply(message=calling)], usage=Usage(input_tokens=7, output_tokens=2)),
            Call(id="2", prompt=[asked, calling, told], replies=[Reply(message=said, logprobs=[-0.5])], usage=Usage(output_tokens=3)),
        ],
        tool_runs=[ToolRun(id="3", name="f", arguments={"x": ODD}, output=told)],
        searches=[Search(step=0, thoughts=[Thought(text=ODD), Thought(parent=0, answer="4", reward=0.5, agreed=1)], chosen=1)],
        started=100.0, ended=102.5, outcome="failed", error="it broke",
    )  # fmt: skip


class StoreTests:
    """Inherit, and give a fixture `store` that is empty."""

    @pytest.fixture
    def store(self) -> Any:
        """The store under test."""
        raise NotImplementedError

    def test_it_is_a_store(self, store: Store) -> None:
        assert isinstance(store, Store)
        assert list(store.traces()) == []
        assert store.names() == {}
        assert store.trace("none") is None
        assert store.remove(["none"]) == 0
        assert store.expire(0.0) == 0

    def test_a_trace_comes_back_as_it_was(self, store: Store) -> None:
        store.add([full()])
        assert list(store.traces()) == [full()]
        assert store.trace("full") == full()

    def test_order_is_kept_over_pages_and_nothing_is_doubled(self, store: Store) -> None:
        store.add(numbered(450))
        store.add([Trace(id="g0", name="g", answer="new")])
        found = list(store.traces())
        assert [one.id for one in found] == [f"g{at}" for at in range(450)]
        assert found[0].answer == "new"
        assert [one.id for one in store.traces(newest=3)] == ["g449", "g448", "g447"]
        assert [one.id for one in store.rows(newest=300)] == [f"g{at}" for at in range(449, 149, -1)]
        assert list(store.traces(newest=0)) == []
        assert len(list(store.traces(newest=1000))) == 450

    def test_problem_by_problem(self, store: Store) -> None:
        """By code point, whatever the database sorts like; what came for a problem first is first."""
        names = ["b", "B", "a", "é", "_", "aa", "a b", ODD]
        for turn in "12":
            store.add([Trace(id=f"{name}{turn}", metadata={"problem": name}) for name in names])
        inside = sorted(names, key=storable)
        assert [one.id for one in store.by_problem()] == [f"{name}{turn}" for name in inside for turn in "12"]
        assert list(store.problems()) == [storable(name) for name in inside]
        assert list(store.problems(every=3)) == [storable(name) for name in inside[::3]]
        part = store.by_problem(first=inside[2], beyond=inside[4])
        assert [one.problem for one in part] == [inside[2], inside[2], inside[3], inside[3]]
        assert [one.id for one in store.by_problem(beyond=inside[1])] == [f"{inside[0]}1", f"{inside[0]}2"]
        assert list(store.problems(Where(graph="nothing"))) == []

    def test_problems_over_several_pages(self, store: Store) -> None:
        store.add([Trace(id=f"{at:03}", name="gh"[at % 2], metadata={"problem": f"p{at % 7}"}) for at in range(450)])
        found = list(store.by_problem(Where(graph="h")))
        assert [one.id for one in found] == [
            f"{at:03}" for p in range(7) for at in range(450) if at % 7 == p and at % 2
        ]

    def test_a_run_without_a_problem_goes_by_its_question(self, store: Store) -> None:
        asked: Any = [{"role": "user", "content": "2+2?"}]
        store.add([Trace(id="1", input=asked), Trace(id="2"), Trace(id="3", input=asked)])
        assert [one.id for one in store.by_problem(Where(problem=Trace(id="", input=asked).problem))] == ["1", "3"]

    def test_every_limit(self, store: Store) -> None:
        store.add([
            Trace(id="1", name="a", strategy="s", thread="t", user="u", started=10.0, metadata={"problem": "p"}),
            Trace(id="2", name="b", started=20.0),
            Trace(id=ODD, name=ODD, strategy=ODD, thread=ODD, user=ODD, started=30.0, metadata={"problem": ODD}),
        ])  # fmt: skip

        def ids(**limits: Any) -> list[str]:
            return [one.id for one in store.traces(Where(**limits))]

        for name, value in {"graph": "a", "strategy": "s", "problem": "p", "thread": "t", "user": "u"}.items():
            assert ids(**{name: value}) == ["1"]
            assert ids(**{name: ODD}) == [ODD]
            assert ids(**{name: "nobody's"}) == []
        assert ids(problem="2") == ["2"], "a run that names neither problem nor question is one of its own"
        assert ids(since=20.0) == ["2", ODD]
        assert ids(before=20.0) == ["1"]
        assert ids(since=10.0, before=20.0, user="u", graph="a") == ["1"]
        assert [one.id for one in store.rows(Where(since=20.0), newest=1)] != ["2"]
        assert store.trace(ODD) is not None

    def test_rows(self, store: Store) -> None:
        store.add([full()])
        store.add_feedback("full", Feedback(score=1.0, at=1.0))
        store.add_feedback("full", Feedback(comment="no score", at=2.0))
        store.add_feedback("full", Feedback(score=0.0, at=3.0))
        assert list(store.rows()) == [
            Row("full", "agent", "s", "t", "u", 100.0, 2.5, 2, 7, 5, "failed", "it broke", [1.0, 0.0])
        ]

    def test_names(self, store: Store) -> None:
        store.add([*numbered(3, "b"), *numbered(2, "a"), Trace(id="gone", name="a", expires=1.0)])
        assert list(store.names().items()) == [("a", 2), ("b", 3)]

    def test_feedback_may_come_first_and_stays_when_its_trace_is_replaced(self, store: Store) -> None:
        early, late = Feedback(score=1.0, comment=ODD, at=1.0), Feedback(name="helpful", score=0.7, at=2.0)
        store.add_feedback("g0", early)
        assert list(store.traces()) == []
        store.add(numbered(2))
        store.add_feedback("g0", late)
        store.add(numbered(2))
        assert [one.feedback for one in store.traces()] == [[early, late], []]

    def test_feedback_inside_a_trace_is_kept_once(self, store: Store) -> None:
        said = [Feedback(score=0.2, at=1.0), Feedback(comment="again", at=2.0)]
        store.add([Trace(id="1", feedback=said)])
        store.add(list(store.traces()))
        store.add([Trace(id="1", feedback=said[:1])])
        assert [one.feedback for one in store.traces()] == [said]

    def test_expired_traces_are_not_shown_and_go(self, store: Store) -> None:
        now = time.time()
        store.add([Trace(id="over", expires=now - 60), Trace(id="soon", expires=now + 60), Trace(id="never")])
        store.add_feedback("over", Feedback(comment="said", at=1.0))
        assert [one.id for one in store.traces()] == ["soon", "never"]
        assert [one.id for one in store.rows()] == ["soon", "never"]
        assert store.trace("over") is None
        assert [one.id for one in store.traces(Where(expired=True))] == ["over", "soon", "never"]
        assert next(store.traces()).expires == now + 60
        assert store.expire(now) == 1
        assert store.expire(now) == 0
        assert store.expire(now + 120) == 1
        store.add([Trace(id="over")])
        assert [(one.id, one.feedback) for one in store.traces()] == [("never", []), ("over", [])]

    @pytest.mark.parametrize("first", ["trace", "feedback"])
    def test_bad_feedback_makes_a_trace_stay(self, store: Store, first: str) -> None:
        soon = time.time() + 60
        traces = [Trace(id=name, expires=soon) for name in ("bad", "good", "bounded", "mute")]
        if first == "trace":
            store.add(traces)
        store.add_feedback("bad", Feedback(score=0.4))
        store.add_feedback("good", Feedback(score=0.5))
        store.add_feedback("bounded", Feedback(score=0.0), until=soon + 60)
        store.add_feedback("mute", Feedback(comment="hm"))
        if first == "feedback":
            store.add(traces)
        assert {one.id: one.expires for one in store.traces()} == {
            "bad": None, "good": soon, "bounded": soon + 60, "mute": soon,
        }  # fmt: skip
        store.add(traces)
        assert store.expire(soon + 1) == 2
        assert {one.id for one in store.traces()} == {"bad", "bounded"}

    def test_what_came_with_a_trace_leaves_its_expiry(self, store: Store) -> None:
        soon = time.time() + 60
        store.add([Trace(id="1", expires=soon, feedback=[Feedback(score=0.0)])])
        store.add(list(store.traces()))
        assert next(store.traces()).expires == soon

    def test_remove(self, store: Store) -> None:
        store.add(numbered(450))
        store.add_feedback("g1", Feedback(score=1.0))
        assert store.remove(f"g{at}" for at in range(1, 449)) == 448
        assert [one.id for one in store.traces()] == ["g0", "g449"]
        store.add(numbered(2))
        assert [one.feedback for one in store.traces()] == [[], [], []]

    def test_all_or_none(self, store: Store) -> None:
        class Unreadable(Exception): ...

        class Broken(list[Any]):
            def __iter__(self) -> Any:
                yield from numbered(2)
                raise Unreadable

        with pytest.raises(Unreadable):
            store.add(Broken())
        assert list(store.traces()) == []

    def test_data_sets_made_of_it(self, store: Store) -> None:
        one, other = Derived("/d/one", "h1", [["a"], ["b", "c"]]), Derived("/d/two", "h2", [])
        before = Derived("/d/one", "h0", [["a"]])
        for dataset in (other, Derived("/d/one", "h1", []), one, before):
            store.add_derived(dataset)
        assert store.derived() == [before, one, other]

    def test_reading_while_it_is_written(self, store: Store) -> None:
        store.add(numbered(450))
        for at, _ in enumerate(store.traces()):
            if at == 100:
                store.add(numbered(10, "later"))
                store.remove(["g300"])
        assert len(list(store.traces())) == 459

    def test_many_threads(self, store: Store) -> None:
        def work(at: int) -> int:
            store.add(numbered(20, f"n{at}-"))
            store.add_feedback(f"n{at}-0", Feedback(score=1.0))
            return len(list(store.rows()))

        with ThreadPoolExecutor(8) as pool:
            assert all(count >= 20 for count in pool.map(work, range(8)))
        assert len(list(store.traces())) == 160
        assert sum(len(one.feedback) for one in store.traces()) == 8
