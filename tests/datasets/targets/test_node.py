from __future__ import annotations

from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import RetryPolicy

from langdistill.datasets.harvest import harvest
from langdistill.datasets.targets.call import call
from langdistill.datasets.targets.node import node
from langdistill.groups import Group
from langdistill.records import Call, Reply, Step, Trace
from langdistill.testing.models import ScriptedChatModel
from tests.datasets.targets.conftest import Recorded, told
from tests.recording.scenarios.graphs import add
from tests.recording.scenarios.models import Says, asks

PLANNED = asks("add", "p", a=1, b=2)


def graph(plan: Any, act: Any = None, **options: Any) -> Any:
    """A node that plans with tools, and one that acts."""
    act = act or Says("done")

    def planning(state: MessagesState) -> Any:
        said = plan.bind_tools([add]).invoke([SystemMessage("Plan."), *state["messages"]])
        return {"messages": [AIMessage("planned", additional_kwargs={"reasoning_content": "x"})], "said": said}

    def acting(state: MessagesState) -> Any:
        return {"messages": [act.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("plan", planning, **options)
    builder.add_node("act", acting)
    builder.add_edge(START, "plan")
    builder.add_edge("plan", "act")
    return builder.compile(name="worker")


def offered() -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Add.",
                "parameters": {
                    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                    "required": ["a", "b"],
                    "type": "object",
                },
            },
        }
    ]


@pytest.mark.parametrize("later", [False, True])
def test_a_node_with_its_tools(recorded: Recorded, later: bool) -> None:
    recorded.run(graph(Says(PLANNED)), later=later)
    [row] = recorded.rows(node("plan")).examples
    [trace] = recorded.traces
    assert (row.call, row.at, row.trace) == (trace.calls[0].id, trace.calls[0].started, trace.id)
    arguments = {"id": "p", "type": "function", "function": {"name": "add", "arguments": '{"a":1,"b":2}'}}
    assert told(row) == {
        "messages": [{"role": "system", "content": "Plan."}, {"role": "user", "content": "2+2?"}],
        "target": [{"role": "assistant", "content": "", "tool_calls": [arguments]}],
        "tools": offered(),
        "model": "says",
    }
    [row] = recorded.told(node("act"))
    assert row["messages"] == [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "planned"}]
    assert (row["target"], row["answer"]) == ([{"role": "assistant", "content": "done"}], "done")


def test_a_node_in_a_graph_in_a_node(recorded: Recorded) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("inner", graph(Says(PLANNED)))
    builder.add_edge(START, "inner")
    recorded.run(builder.compile())
    assert recorded.told(node("inner/plan")) == recorded.told(node("plan"))
    assert len(recorded.told(node("plan"))) == 1
    assert recorded.rows(node("inner")).reason == "no-call"


def test_of_retries_the_one_that_succeeded(recorded: Recorded) -> None:
    retry = RetryPolicy(max_attempts=3, initial_interval=0, jitter=False, retry_on=ConnectionError)
    recorded.run(graph(Says(ConnectionError("offline"), "first", "second"), retry_policy=retry))
    assert [row["target"] for row in recorded.told(node("plan"))] == [[{"role": "assistant", "content": "first"}]]


def test_what_was_said_in_a_node_that_failed_afterwards_is_not_learnt(recorded: Recorded) -> None:
    tries: list[int] = []
    model = Says("unheard", "heard")

    def think(state: MessagesState) -> Any:
        said = model.invoke(state["messages"])
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("offline")
        return {"messages": [said]}

    builder = StateGraph(MessagesState)
    builder.add_node("think", think, retry_policy=RetryPolicy(initial_interval=0, jitter=False))
    builder.add_edge(START, "think")
    recorded.run(builder.compile())
    assert [row["answer"] for row in recorded.told(node("think"))] == ["heard"]


def test_calls_that_failed_or_broke_off_give_none(recorded: Recorded) -> None:
    with pytest.raises(ConnectionError):
        recorded.run(graph(Says(ConnectionError("offline"))))
    assert recorded.rows(node("plan")).reason == "failed-calls"
    assert recorded.rows(node("act")).reason == "no-call"


def test_a_streamed_reply_that_breaks_off(recorded: Recorded) -> None:
    model = Says("one two", breaks=ConnectionError("offline"))

    def think(state: MessagesState) -> Any:
        return {"messages": ["".join(part.text for part in model.stream(state["messages"]))]}

    builder = StateGraph(MessagesState)
    builder.add_node("think", think)
    builder.add_edge(START, "think")
    with pytest.raises(ConnectionError):
        recorded.run(builder.compile())
    [trace] = recorded.traces
    assert trace.calls[0].replies[0].partial
    assert recorded.rows(node("think")).reason == "failed-calls"


def test_each_of_several_replies(recorded: Recorded) -> None:
    def think(state: MessagesState, config: RunnableConfig) -> Any:
        model.generate([state["messages"]], callbacks=config.get("callbacks"))
        return {}

    model = ScriptedChatModel(script=lambda messages, at: f"Answer: {at}", n=3)
    builder = StateGraph(MessagesState)
    builder.add_node("think", think)
    builder.add_edge(START, "think")
    recorded.run(builder.compile())
    assert sorted(row["answer"] for row in recorded.told(node("think"))) == ["0", "1", "2"]


def test_a_cached_reply_is_told_once(recorded: Recorded) -> None:
    model = ScriptedChatModel(script=lambda messages, at: f"Answer: {at}", cache=InMemoryCache())
    for _ in range(3):
        recorded.run(model, [HumanMessage("2+2?")])
    assert [call.cached for trace in recorded.traces for call in trace.calls] == [False, True, True]
    assert [row["answer"] for row in recorded.told(call(lambda one: True))] == ["0"]


def test_calls_by_a_condition(recorded: Recorded) -> None:
    recorded.run(graph(Says(PLANNED)))

    def with_tools(one: Call) -> bool:
        return bool(one.tools)

    take = call(with_tools)
    assert recorded.told(take) == recorded.told(node("plan"))
    assert (take.name, take.params) == ("call", {"where": "with_tools"})
    assert (node("plan").name, node("plan").params) == ("node", {"node": "plan"})


def test_rows_are_in_the_order_of_what_they_say() -> None:
    def run(*texts: str) -> Trace:
        calls = [
            Call(id=f"{at}", node="n", step=0, replies=[Reply(message={"role": "assistant", "content": text})])
            for at, text in enumerate(texts)
        ]
        return Trace(id="r", steps=[Step(name="n")], calls=calls)

    one, other = (node("n")(Group("p", (run(*texts),))) for texts in (("a", "b", ""), ("b", "", "a")))
    assert [told(row) for row in one.examples] == [told(row) for row in other.examples]
    assert sorted(str(row.answer) for row in one.examples) == ["a", "b"]


def test_a_harvest_of_one_node_tells_it(recorded: Recorded) -> None:
    recorded.run(graph(Says(PLANNED)), problem="p")
    recorded.recorder.close()
    found = harvest(recorded.store).target(node("plan")).run()
    assert [row.tools for row in found.examples] == [offered()]
    assert found.funnel[1]["stage"] == "target"
