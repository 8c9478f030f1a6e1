from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, dynamic_prompt
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from langdistill.datasets.targets.whole_agent import whole_agent
from langdistill.errors import DatasetError
from langdistill.groups import Group
from langdistill.records import Call, Reply, Trace
from tests.datasets.targets.conftest import Recorded, told
from tests.recording.scenarios.models import Says, asks


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
def divide(a: int, b: int) -> float:
    """Divide."""
    return a / b


SCHEMAS = {
    name: {
        "type": "function",
        "function": {
            "name": name,
            "description": f"{name.capitalize()}.",
            "parameters": {
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
                "type": "object",
            },
        },
    }
    for name in ("add", "divide")
}


class Forgiving(AgentMiddleware):
    """Tells the model of a tool that raised."""

    def _told(self, request: Any, error: Exception) -> ToolMessage:
        return ToolMessage(f"failed: {error}", tool_call_id=request.tool_call["id"], status="error")

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            return handler(request)
        except ArithmeticError as error:
            return self._told(request, error)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            return await handler(request)
        except ArithmeticError as error:
            return self._told(request, error)


def called(name: str, id: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def user(text: str = "2+2?") -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(text: str, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": text} | ({"tool_calls": list(calls)} if calls else {})


def result(text: str, id: str, name: str = "add") -> dict[str, Any]:
    return {"role": "tool", "content": text, "name": name, "tool_call_id": id}


@pytest.mark.parametrize("later", [False, True])
def test_an_agent_that_recovers_from_an_error(recorded: Recorded, later: bool) -> None:
    two = AIMessage(
        "Both.", tool_calls=[*asks("add", "x", a=1, b=2).tool_calls, *asks("add", "y", a=3, b=4).tool_calls]
    )
    thoughtful = AIMessage(
        "Again.", additional_kwargs={"reasoning_content": "by 2"}, tool_calls=asks("divide", "w", a=6, b=2).tool_calls
    )
    model = Says(two, asks("divide", "z", a=7, b=0), thoughtful, "Answer: 3")
    agent = create_agent(model, [add, divide], system_prompt="Be brief.", name="adder", middleware=[Forgiving()])
    recorded.run(agent, later=later)
    [row] = recorded.rows(whole_agent()).examples
    [trace] = recorded.traces
    assert (row.problem, row.trace, row.traces, row.at) == (trace.problem, trace.id, [trace.id], trace.started)
    assert told(row) == {
        "messages": [{"role": "system", "content": "Be brief."}, user()],
        "target": [
            says("Both.", called("add", "x", '{"a":1,"b":2}'), called("add", "y", '{"a":3,"b":4}')),
            result("3", "x"),
            result("7", "y"),
            says("", called("divide", "z", '{"a":7,"b":0}')),
            {"role": "tool", "content": "failed: division by zero", "tool_call_id": "z"},
            says("Again.", called("divide", "w", '{"a":6,"b":2}')) | {"reasoning_content": "by 2"},
            result("3.0", "w", "divide"),
            says("Answer: 3"),
        ],
        "tools": [SCHEMAS["add"], SCHEMAS["divide"]],
        "reasoning": "by 2",
        "answer": "3",
        "model": "says",
    }


def test_a_streamed_run(recorded: Recorded) -> None:
    agent = create_agent(Says(asks("add", a=2, b=2), "Answer: 4"), [add], system_prompt="Be brief.")
    asked: Any = {"messages": [("user", "2+2?")]}
    assert list(agent.stream(asked, {"callbacks": [recorded.recorder]}, stream_mode="messages"))
    assert recorded.told(whole_agent()) == [
        {
            "messages": [{"role": "system", "content": "Be brief."}, user()],
            "target": [says("", called("add", "t0", '{"a":2,"b":2}')), result("4", "t0"), says("Answer: 4")],
            "tools": [SCHEMAS["add"]],
            "answer": "4",
            "model": "says",
        }
    ]


def test_reasoning_is_kept_or_stripped(recorded: Recorded) -> None:
    thinking = AIMessage("<think>hm</think>Let me.", additional_kwargs={"reasoning_content": "aha"})
    agent = create_agent(Says(thinking.model_copy(update={"tool_calls": asks("add", a=1, b=1).tool_calls}), "2"), [add])
    recorded.run(agent)
    [kept], [stripped] = (recorded.told(whole_agent(reasoning=one)) for one in ("keep", "strip"))  # type: ignore[arg-type]
    call = called("add", "t0", '{"a":1,"b":1}')
    assert kept["target"][0] == says("<think>hm</think>Let me.", call) | {"reasoning_content": "aha"}
    assert kept["reasoning"] == "aha"
    assert stripped["target"][0] == says("Let me.", call)
    assert "reasoning" not in stripped


def test_the_first_system_prompt_counts_where_they_differ(recorded: Recorded) -> None:
    @dynamic_prompt
    def numbered(request: Any) -> str:
        return f"Prompt {len(request.messages)}"

    recorded.run(create_agent(Says(asks("add", a=1, b=1), "2"), [add], middleware=[numbered]))
    [row] = recorded.told(whole_agent())
    assert row["messages"] == [{"role": "system", "content": "Prompt 1"}, user()]
    assert [one["role"] for one in row["target"]] == ["assistant", "tool", "assistant"]


def test_earlier_turns_are_context_unless_they_are_to_be_learnt(recorded: Recorded) -> None:
    first = AIMessage("two", additional_kwargs={"reasoning_content": "one and one"})
    agent = create_agent(
        Says(first, asks("add", a=1, b=2), "three"), [add], system_prompt="S", checkpointer=InMemorySaver()
    )
    recorded.run(agent, "1+1?", thread="t", problem="p")
    recorded.run(agent, "1+2?", thread="t", problem="q")
    _, last = recorded.groups()
    system, call = {"role": "system", "content": "S"}, called("add", "t0", '{"a":1,"b":2}')
    own = [says("", call), result("3", "t0"), says("three")]
    [row] = whole_agent()(last).examples
    assert told(row)["messages"] == [system, user("1+1?"), says("two"), user("1+2?")]
    assert told(row)["target"] == own
    [row] = whole_agent(learn_earlier=True)(last).examples
    assert told(row)["messages"] == [system, user("1+1?")]
    assert told(row)["target"] == [says("two") | {"reasoning_content": "one and one"}, user("1+2?"), *own]


def test_the_same_words_in_an_earlier_turn_are_not_this_run_s(recorded: Recorded) -> None:
    agent = create_agent(Says("4"), [], checkpointer=InMemorySaver())
    for _ in range(2):
        recorded.run(agent, thread="t", problem="p")
    rows = recorded.told(whole_agent())
    assert sorted(([len(row["messages"]), row["target"]] for row in rows), key=str) == [
        [1, [says("4")]],
        [3, [says("4")]],
    ]


@pytest.mark.parametrize(
    ("decision", "seen"),
    [
        ({"type": "approve"}, "3"),
        ({"type": "edit", "edited_action": {"name": "add", "args": {"a": 10, "b": 20}}}, "30"),
        ({"type": "reject", "message": "no"}, "User rejected the tool call for `add` with reason: no"),
    ],
    ids=["approve", "edit", "reject"],
)
def test_a_run_that_goes_on_after_a_human_was_asked_is_told_whole(
    recorded: Recorded, decision: dict[str, Any], seen: str
) -> None:
    reviewer = HumanInTheLoopMiddleware(interrupt_on={"add": {"allowed_decisions": ["approve", "edit", "reject"]}})
    model = Says(AIMessage("I add.", tool_calls=asks("add", a=1, b=2).tool_calls), "done")
    saver = InMemorySaver()
    agent = create_agent(model, [add], system_prompt="S", middleware=[reviewer], checkpointer=saver)
    recorded.run(agent, thread="t", problem="p")
    recorded.run(agent, Command(resume={"decisions": [decision]}), thread="t", problem="p")
    [row] = recorded.told(whole_agent())
    assert row["messages"] == [{"role": "system", "content": "S"}, user()]
    asking, *results, final = row["target"]
    assert asking == says("I add.", called("add", "t0", '{"a":1,"b":2}'))
    assert final == says("done")
    assert [one["role"] for one in results] == ["tool"] * len(results)
    assert any(seen in one["content"] for one in results)
    assert row["tools"] == [SCHEMAS["add"]]


def test_an_agent_in_a_node_that_hands_back_its_last_message(recorded: Recorded) -> None:
    agent = create_agent(Says(asks("add", a=2, b=2), "4"), [add], system_prompt="S")

    def work(state: MessagesState) -> Any:
        return {"messages": agent.invoke({"messages": state["messages"]})["messages"][-1:]}

    builder = StateGraph(MessagesState)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    recorded.run(builder.compile())
    [trace] = recorded.traces
    assert len(trace.output) == 1
    assert recorded.told(whole_agent()) == [
        {
            "messages": [{"role": "system", "content": "S"}, user()],
            "target": [says("", called("add", "t0", '{"a":2,"b":2}')), result("4", "t0"), says("4")],
            "tools": [SCHEMAS["add"]],
            "answer": "4",
            "model": "says",
        }
    ]


def _with_a_calculator() -> Any:
    calculator = create_agent(Says(asks("add", "i", a=1, b=2), "it is 3"), [add], system_prompt="C", name="calculator")

    @tool("calculator")
    def ask(question: str) -> str:
        """Ask."""
        return calculator.invoke({"messages": [("user", question)]})["messages"][-1].text

    return create_agent(Says(asks("calculator", "o", question="1+2?"), "3"), [ask], system_prompt="B", name="boss")


def test_an_agent_that_is_a_tool_of_another(recorded: Recorded) -> None:
    recorded.run(_with_a_calculator())
    [row] = recorded.told(whole_agent())
    assert row["messages"] == [{"role": "system", "content": "B"}, user()]
    assert row["target"] == [
        says("", called("calculator", "o", '{"question":"1+2?"}')),
        result("it is 3", "o", "calculator"),
        says("3"),
    ]
    assert [one["function"]["name"] for one in row["tools"]] == ["calculator"]
    assert recorded.told(whole_agent(agent="calculator")) == [
        {
            "messages": [{"role": "system", "content": "C"}, user("1+2?")],
            "target": [says("", called("add", "i", '{"a":1,"b":2}')), result("3", "i"), says("it is 3")],
            "tools": [SCHEMAS["add"]],
            "model": "says",
            "answer": "it is 3",
        }
    ]
    assert recorded.rows(whole_agent(agent="nobody")).reason == "no-such-agent"


def _twice(between: Any) -> Any:
    """A worker that speaks before and after something else."""
    worker = create_agent(Says("one", asks("add", a=1, b=1), "two"), [add], system_prompt="W", name="worker")
    builder = StateGraph(MessagesState)
    builder.add_sequence([("first", worker), ("between", between), ("second", worker)])
    builder.add_edge(START, "first")
    return builder.compile()


SECOND = [says("", called("add", "t0", '{"a":1,"b":1}')), result("2", "t0"), says("two")]


def test_an_agent_that_a_user_answers_in_between(recorded: Recorded) -> None:
    recorded.run(_twice(lambda state: {"messages": [("user", "Once more.")]}))
    [row] = recorded.told(whole_agent(agent="worker"))
    assert row["messages"] == [{"role": "system", "content": "W"}, user()]
    assert row["target"] == [says("one"), user("Once more."), *SECOND]
    assert [row["target"] for row in recorded.told(whole_agent())] == [row["target"]]


def test_the_words_of_another_agent_are_context_of_this_one(recorded: Recorded) -> None:
    critic = create_agent(Says("Are you sure?"), [], name="critic")
    recorded.run(_twice(critic))
    rows = sorted(recorded.told(whole_agent(agent="worker")), key=lambda row: len(row["messages"]))
    said = [says("one") | {"name": "worker"}, says("Are you sure?") | {"name": "critic"}]
    assert [(row["messages"][1:], row["target"]) for row in rows] == [
        ([user()], [says("one")]),
        ([user(), *said], SECOND),
    ]
    [whole] = recorded.told(whole_agent())
    assert whole["target"] == [says("one"), says("Are you sure?"), *SECOND]


def test_the_first_thought_is_put_before_the_first_message_alone(recorded: Recorded) -> None:
    asked: list[Any] = []

    def think(prompt: Any) -> str:
        asked.append(prompt)
        return "<think>secret</think>\nFirst I add.\n\nThen I tell.\nAnswer: 4"

    recorded.run(create_agent(Says(asks("add", a=2, b=2), "4"), [add]))
    [row] = recorded.told(whole_agent(first_thought=think))
    assert asked == [[user()]]
    assert [one["content"] for one in row["target"]] == ["First I add.", "4", "4"]
    [row] = recorded.told(whole_agent(first_thought=lambda prompt: None))
    assert [one["content"] for one in row["target"]] == ["", "4", "4"]
    recorded.run(create_agent(Says("It is four."), []), "3+1?", problem="p")
    [row] = whole_agent(first_thought=think)(recorded.groups()[0]).examples
    assert row.target == [says("First I add.\n\nIt is four.")]


def test_a_failed_run_gives_none(recorded: Recorded) -> None:
    with pytest.raises(ZeroDivisionError):
        recorded.run(create_agent(Says(asks("divide", a=1, b=0)), [divide]))
    assert recorded.rows(whole_agent()).reason == "failed-runs"
    assert recorded.rows(whole_agent(agent="x")).reason == "failed-runs"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"outcome": "cancelled"}, "cancelled-runs"),
        ({"outcome": "lost"}, "lost-runs"),
        ({"lost": 1}, "incomplete-runs"),
        ({"output": []}, "no-reply"),
        ({"output": [user()]}, "no-reply"),
        ({"input": [{"role": "system", "content": "S"}]}, "no-question"),
    ],
)
def test_why_a_run_gives_none(fields: dict[str, Any], reason: str) -> None:
    trace = Trace(**{"id": "r", "input": [user()], "output": [says("4")]} | fields)
    rows = whole_agent()(Group("p", (trace,)))
    assert (rows.examples, rows.reason) == ((), reason)


def test_what_a_user_says_last_is_dropped_and_a_last_result_stays() -> None:
    asking = says("", called("add", "x", "{}"))
    trace = Trace(id="r", input=[user()], output=[asking, result("3", "x"), user("thanks")])
    [row] = whole_agent()(Group("p", (trace,))).examples
    assert row.target == [asking, result("3", "x")]


def test_rows_do_not_depend_on_the_ids_or_order_of_runs() -> None:
    def runs(*ids: str) -> Group:
        return Group("p", tuple(Trace(id=i, input=[user()], output=[says(t)]) for i, t in zip(ids, "abc", strict=True)))

    some, other = whole_agent()(runs("1", "2", "3")), whole_agent()(runs("9", "5", "7"))
    turned = whole_agent()(Group("p", tuple(reversed(runs("1", "2", "3").originals))))
    assert [told(row) for row in some.examples] == [told(row) for row in other.examples]
    assert some == turned


def test_a_name_with_two_schemas_is_offered_once() -> None:
    old, new = ({"type": "function", "function": {"name": "f", "description": text}} for text in ("old", "new"))
    replies = [says("", called("f", "x", "{}")), says("4")]
    seen = [user(), replies[0], result("3", "x")]
    calls = [
        Call(id="1", prompt=seen[:1], tools=[old], replies=[Reply(message=replies[0])]),
        Call(id="2", prompt=seen, tools=[new, SCHEMAS["add"]], replies=[Reply(message=replies[1])]),
    ]
    [row] = whole_agent()(
        Group("p", (Trace(id="r", input=seen[:1], output=[*seen[1:], replies[1]], calls=calls),))
    ).examples
    assert row.tools == [old, SCHEMAS["add"]]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(DatasetError, match="'hide'"):
        whole_agent(reasoning="hide")  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="Leave one"):
        whole_agent(agent="a", learn_earlier=True)
    assert (whole_agent().name, whole_agent(agent="a").params) == (
        "whole_agent",
        {"agent": "a", "learn_earlier": False, "reasoning": "keep", "first_thought": None},
    )
