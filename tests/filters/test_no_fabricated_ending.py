from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware, ToolCallLimitMiddleware
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.errors import GraphRecursionError

from langdistill.filters.no_fabricated_ending import no_fabricated_ending
from langdistill.recording.recorder import TraceRecorder
from langdistill.records import Call, Reply, ToolRun, Trace
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.testing.memory import MemoryStore
from langdistill.testing.models import ScriptedChatModel
from tests.filters.agents import calls, judged, result, row, said, user, whole


@tool
def look(x: int) -> str:
    """Look at one."""
    return f"seen {x}"


def looking(rounds: int) -> ScriptedChatModel:
    """A model that looks so many times and then answers."""

    def script(messages: list[Any], at: int) -> AIMessage:
        if at < rounds:
            return AIMessage("", tool_calls=[{"name": "look", "args": {"x": at}, "id": f"c{at}"}])
        return AIMessage("I saw it.")

    return ScriptedChatModel(script=script)


def recorded(agent: Any, fails: type[Exception] | None = None, **config: Any) -> Trace:
    store = MemoryStore()
    recorder = TraceRecorder(store)
    asked: Any = {"messages": [HumanMessage("What is there?")]}
    if fails:
        with pytest.raises(fails):
            agent.invoke(asked, {"callbacks": [recorder], **config})
    else:
        agent.invoke(asked, {"callbacks": [recorder], **config})
    recorder.close()
    [trace] = store.traces()
    return trace


def react(rounds: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langgraph.prebuilt import create_react_agent

        return create_react_agent(looking(rounds), [look])


def verdict(trace: Trace) -> tuple[bool | None, str]:
    found = judged(no_fabricated_ending(), whole(trace).model_copy(update={"trace": trace.id}), trace)
    return found.keep, found.reason


@pytest.mark.parametrize("agent", [lambda: create_agent(looking(2), [look]), lambda: react(2)])
def test_an_agent_that_ends_by_itself(agent: Callable[[], Any]) -> None:
    trace = recorded(agent())
    assert trace.output[-1]["content"] == "I saw it."
    assert verdict(trace) == (True, "said")


def test_langgraph_agents_that_hit_the_recursion_limit() -> None:
    failed = recorded(create_agent(looking(99), [look]), GraphRecursionError, recursion_limit=5)
    assert verdict(failed) == (False, "step-limit")
    answered = recorded(react(99), recursion_limit=4)
    assert answered.outcome == "ended"
    assert verdict(answered) == (False, "stock-answer")
    reworded = [*answered.output[:-1], said("There are two things.")]
    assert verdict(answered.model_copy(update={"output": reworded})) == (False, "nobody-said-it")


def test_middlewares_that_end_a_run() -> None:
    models = recorded(create_agent(looking(99), [look], middleware=[ModelCallLimitMiddleware(run_limit=2)]))
    tools = ToolCallLimitMiddleware(run_limit=2, exit_behavior="end")
    assert verdict(models) == (False, "stock-answer")
    assert verdict(recorded(create_agent(looking(99), [look], middleware=[tools]))) == (False, "stock-answer")


def test_a_step_of_a_run_that_was_stopped_is_still_the_models_own() -> None:
    trace = recorded(create_agent(looking(99), [look]), GraphRecursionError, recursion_limit=5)
    call = trace.calls[0]
    one = row(call.replies[0].message, trace=trace.id, call=call.id)  # type: ignore[arg-type]
    assert judged(no_fabricated_ending(), one, trace).reason == "model-said"


def test_an_answer_that_a_vote_computes_is_none_that_was_made_up() -> None:
    graph = create_self_consistency(ScriptedChatModel(script=lambda m, at: f"Thinking.\nAnswer: {at % 2}"), samples=3)
    assert verdict(recorded(graph)) == (True, "computed")


def run(*texts: str, output: str = "The answer is 4.", **fields: Any) -> Trace:
    made = [Call(id=f"c{at}", replies=[Reply(message=said(text))]) for at, text in enumerate(texts)]  # type: ignore[arg-type]
    return Trace(id="t", input=[user("Q")], output=[said(output)], calls=made, **fields)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("trace", "keep", "reason"),
    [
        (run("The answer is 4."), True, "said"),
        (run("The  answer\nis 4."), True, "said"),
        (run("Thinking it over: 2 + 2. The answer is 4."), True, "said"),
        (run("It is four, as one sees.", output="Answer: It is four, as one sees. (cached)"), True, "said"),
        (run("It is four, as one sees.", output='{"raw": "It is four, as one sees.", "tasks": []}'), True, "said"),
        (run("4", output="The task was finished with 4 steps."), False, "nobody-said-it"),
        (run("Look it up."), False, "nobody-said-it"),
        (run("x", tool_runs=[ToolRun(id="r", name="n", output={"content": "The answer is 4."})]), True, "said"),
        (run("x", output=""), True, "said"),
        (run(), None, "no-calls"),
        (run("The answer is 4.", metadata={"limit": "message"}), False, "step-limit"),
        (run("The answer is 4.", metadata={"limit": None}), True, "said"),
        (run("The answer is 4.", metadata={"exit_status": "exit_cost"}), False, "step-limit"),
        (run("The answer is 4.", metadata={"exit_status": "submitted"}), True, "said"),
        (run("The answer is 4.", metadata={"stop_reason": "max_steps"}), False, "step-limit"),
        (run("a", "b", "The answer is 4.", metadata={"max_steps": 2}), False, "step-limit"),
        (run("a", "b", "The answer is 4.", metadata={"max_steps": 3}), True, "said"),
        (run("The answer is 4.", error="GraphRecursionError('Recursion limit of 25')"), False, "step-limit"),
        (run("The answer is 4.", error="TimeoutError('no answer')"), True, "said"),
    ],
)
def test_what_a_run_tells(trace: Trace, keep: bool | None, reason: str) -> None:
    assert verdict(trace) == (keep, reason)


def test_easydistills_answer_at_the_step_limit() -> None:
    """Its status is that of a success, the answer is nobody's: no framework's words are needed to see it."""
    asked = said("", calls("look", '{"x": 1}'))
    made = [Call(id="c", replies=[Reply(message=asked)])]  # type: ignore[arg-type]
    output = [asked, result("seen 1"), said("I have completed the task as requested.")]
    trace = Trace(id="t", output=output, calls=made, metadata={"status": "Terminated"})  # type: ignore[arg-type]
    assert verdict(trace) == (False, "nobody-said-it")


def test_signs_that_take_no_trace() -> None:
    filter = no_fabricated_ending()
    assert judged(filter, row(said("Agent stopped due to iteration limit or time limit."))).reason == "stock-answer"
    assert judged(filter, row(said("Agent stopped due to max iterations."))).reason == "stock-answer"
    never = judged(filter, row(said(None, calls("look")), said("I looked: 4.")))
    assert (never.keep, never.reason, never.evidence) == (False, "no-result", {"tools": ["look"]})
    some = row(said(None, calls("look"), calls("look", id="c2")), result("both: 4"), said("4"))
    assert judged(filter, some).reason == "no-trace"
    assert judged(filter, row(said("The agent stopped due to iteration limit is a message."))).keep is None
