from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.types import Command
from pydantic import BaseModel

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, add, boom, line, saying
from tests.recording.scenarios.models import Says, asks


def test_a_system_prompt_and_two_parallel_tools(recording: Recording) -> None:
    two = AIMessage("", tool_calls=[*asks("add", "x", a=1, b=2).tool_calls, *asks("add", "y", a=3, b=4).tool_calls])
    agent = create_agent(Says(two, "3 and 7"), [add, boom], system_prompt="Be brief.", name="adder")
    recording.run(agent, ASKED)
    recording.assert_tells("""
        adder
          in user: 2+2?
          step model agent='adder'
            call c0 offered=['add', 'boom']
              < system: Be brief.
              < user: 2+2?
              > assistant: '' add({"a":1,"b":2})#x add({"a":3,"b":4})#y
          step tools agent='adder' branch=0
            tool t0 add {'a': 1, 'b': 2} tool_call_id='x' asked_by=c0 -> tool: 3 name='add' tool_call_id='x'
          step tools agent='adder' branch=1
            tool t1 add {'a': 3, 'b': 4} tool_call_id='y' asked_by=c0 -> tool: 7 name='add' tool_call_id='y'
          step model agent='adder'
            call c1 offered=['add', 'boom']
              < system: Be brief.
              < user: 2+2?
              < assistant: '' add({"a":1,"b":2})#x add({"a":3,"b":4})#y name='adder'
              < tool: 3 name='add' tool_call_id='x'
              < tool: 7 name='add' tool_call_id='y'
              > assistant: 3 and 7
          out assistant: '' add({"a":1,"b":2})#x add({"a":3,"b":4})#y name='adder'
          out tool: 3 name='add' tool_call_id='x'
          out tool: 7 name='add' tool_call_id='y'
          out assistant: 3 and 7 name='adder'
    """)


def test_a_model_that_gives_every_tool_call_the_same_id(recording: Recording) -> None:
    agent = create_agent(Says(asks("add", a=1, b=2), asks("add", a=3, b=4), "3 and 7"), [add])
    recording.run(agent, ASKED)
    assert [(run.call, run.arguments["a"]) for run in recording.trace.tool_runs] == [(0, 1), (1, 3)]


def test_a_tool_that_raises(recording: Recording) -> None:
    recording.fail(ValueError, create_agent(Says(asks("boom", a=1)), [boom]), ASKED)
    recording.assert_tells("""
        LangGraph outcome='failed' error="ValueError('boom!')"
          in user: 2+2?
          step model
            call c0 offered=['boom']
              < user: 2+2?
              > assistant: '' boom({"a":1})#t0
          step tools branch=0 outcome='failed' error="ValueError('boom!')"
            tool t0 boom {'a': 1} tool_call_id='t0' error="ValueError('boom!')" asked_by=c0 -> None
    """)


def test_bad_arguments_and_an_unknown_tool(recording: Recording) -> None:
    bad = AIMessage("", tool_calls=[*asks("boom", "x", b=1).tool_calls, *asks("nope", "y").tool_calls])
    recording.run(create_agent(Says(bad, "sorry"), [boom]), ASKED)
    [run] = recording.trace.tool_runs
    assert (run.tool_call_id, run.arguments, run.call) == ("x", {"b": 1}, 0)
    assert "Field required" in str(run.error)
    assert [message["role"] for message in recording.trace.output] == ["assistant", "tool", "tool", "assistant"]
    assert "not a valid tool" in str(recording.trace.output[2]["content"])


def test_a_tool_that_tells_of_its_failure(recording: Recording) -> None:
    @tool(response_format="content_and_artifact")
    def search(what: str) -> Any:
        """Search."""
        return "nothing found", {"pages": 0}

    recording.run(create_agent(Says(asks("search", what="x"), "sorry"), [search]), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step model
            call c0 offered=['search']
              < user: 2+2?
              > assistant: '' search({"what":"x"})#t0
          step tools branch=0
            tool t0 search {'what': 'x'} tool_call_id='t0' asked_by=c0 -> tool: nothing found name='search' tool_call_id='t0'
          step model
            call c1 offered=['search']
              < user: 2+2?
              < assistant: '' search({"what":"x"})#t0
              < tool: nothing found name='search' tool_call_id='t0'
              > assistant: sorry
          out assistant: '' search({"what":"x"})#t0
          out tool: nothing found name='search' tool_call_id='t0'
          out assistant: sorry
    """)


class Forgiving(AgentMiddleware):
    """Tells the model of a tool that raised."""

    def _told(self, request: Any, error: Exception) -> ToolMessage:
        return ToolMessage(f"failed: {error}", tool_call_id=request.tool_call["id"], status="error")

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            return handler(request)
        except ValueError as error:
            return self._told(request, error)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            return await handler(request)
        except ValueError as error:
            return self._told(request, error)


def test_a_tool_that_raises_and_is_forgiven(recording: Recording) -> None:
    recording.run(create_agent(Says(asks("boom", a=1), "sorry"), [boom], middleware=[Forgiving()]), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step model
            call c0 offered=['boom']
              < user: 2+2?
              > assistant: '' boom({"a":1})#t0
          step tools branch=0
            tool t0 boom {'a': 1} tool_call_id='t0' error="ValueError('boom!')" asked_by=c0 -> None
          step model
            call c1 offered=['boom']
              < user: 2+2?
              < assistant: '' boom({"a":1})#t0
              < tool: failed: boom! tool_call_id='t0'
              > assistant: sorry
          out assistant: '' boom({"a":1})#t0
          out tool: failed: boom! tool_call_id='t0'
          out assistant: sorry
    """)


class Thrice(AgentMiddleware):
    """Asks the model three times, and takes the last reply."""

    def wrap_model_call(self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> ModelResponse:
        return [handler(request) for _ in range(3)][-1]

    async def awrap_model_call(
        self, request: ModelRequest, handler: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        return [await handler(request) for _ in range(3)][-1]


def test_middleware_that_asks_the_model_several_times(recording: Recording) -> None:
    recording.run(create_agent(Says("1", "2", "3"), [], middleware=[Thrice()]), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step model
            call c0
              < user: 2+2?
              > assistant: 1
            call c1
              < user: 2+2?
              > assistant: 2
            call c2
              < user: 2+2?
              > assistant: 3
          out assistant: 3
    """)


class Answer(BaseModel):
    """An answer."""

    value: int


def test_an_agent_with_a_structured_response(recording: Recording) -> None:
    recording.run(create_agent(Says(asks("Answer", value=4)), [], response_format=Answer), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step model
            call c0 params={'tool_choice': 'any'} offered=['Answer']
              < user: 2+2?
              > assistant: '' Answer({"value":4})#t0
          out assistant: '' Answer({"value":4})#t0
          out tool: Returning structured response: value=4 name='Answer' tool_call_id='t0'
    """)


def test_an_agent_that_is_a_tool(recording: Recording) -> None:
    calculator = create_agent(Says(asks("add", "inner", a=1, b=2), "it is 3"), [add], name="calculator")

    @tool("calculator")
    def ask(question: str) -> str:
        """Calculate."""
        return calculator.invoke({"messages": [("user", question)]})["messages"][-1].text

    recording.run(create_agent(Says(asks("calculator", "outer", question="1+2?"), "3"), [ask], name="boss"), ASKED)
    recording.assert_tells("""
        boss
          in user: 2+2?
          step model agent='boss'
            call c0 offered=['calculator']
              < user: 2+2?
              > assistant: '' calculator({"question":"1+2?"})#outer
          step tools agent='boss' branch=0
            tool t0 calculator {'question': '1+2?'} tool_call_id='outer' asked_by=c0 -> tool: it is 3 name='calculator' tool_call_id='outer'
            step model agent='calculator'
              call c1 within=c0 offered=['add']
                < user: 1+2?
                > assistant: '' add({"a":1,"b":2})#inner
            step tools agent='calculator' branch=0
              tool t1 add {'a': 1, 'b': 2} tool_call_id='inner' asked_by=c1 -> tool: 3 name='add' tool_call_id='inner'
            step model agent='calculator'
              call c2 within=c0 offered=['add']
                < user: 1+2?
                < assistant: '' add({"a":1,"b":2})#inner name='calculator'
                < tool: 3 name='add' tool_call_id='inner'
                > assistant: it is 3
          step model agent='boss'
            call c3 offered=['calculator']
              < user: 2+2?
              < assistant: '' calculator({"question":"1+2?"})#outer name='boss'
              < tool: it is 3 name='calculator' tool_call_id='outer'
              > assistant: 3
          out assistant: '' calculator({"question":"1+2?"})#outer name='boss'
          out tool: it is 3 name='calculator' tool_call_id='outer'
          out assistant: 3 name='boss'
    """)


def test_an_agent_that_hands_over_to_another(recording: Recording) -> None:
    @tool
    def to_support() -> Any:
        """Hand over."""
        said = ToolMessage("handed over", tool_call_id="h", name="to_support")
        return Command(goto="support", graph=Command.PARENT, update={"messages": [asks("to_support", "h"), said]})

    sales = create_agent(Says(asks("to_support", "h")), [to_support], name="sales")
    support = create_agent(Says("How can I help?"), [], name="support")
    builder = line(sales=sales)
    builder.add_node("support", support)
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step sales outcome='handed-off'
            step model agent='sales'
              call c0 offered=['to_support']
                < user: 2+2?
                > assistant: '' to_support({})#h
            step tools agent='sales' branch=0 outcome='handed-off'
              tool t0 to_support {} tool_call_id='h' asked_by=c0 -> {'graph': '__parent__', 'update': {'messages': [{'role': 'assistant', 'content': '', 'tool_calls': [{'id': 'h', 'type': 'function', 'function': {'name': 'to_support', 'arguments': '{}'}}]}, {'role': 'tool', 'content': 'handed over', 'name': 'to_support', 'tool_call_id': 'h'}]}, 'resume': None, 'goto': 'support'}
          step support
            step model agent='support'
              call c1
                < user: 2+2?
                < assistant: '' to_support({})#h
                < tool: handed over name='to_support' tool_call_id='h'
                > assistant: How can I help?
          handoff from sales/tools to support
          out assistant: '' to_support({})#h
          out tool: handed over name='to_support' tool_call_id='h'
          out assistant: How can I help? name='support'
    """)


def test_a_supervisor_that_gets_the_conversation_back(recording: Recording) -> None:
    def back(state: Any) -> Any:
        return Command(goto="boss", graph=Command.PARENT, update={"messages": [AIMessage("done", name="worker")]})

    def decide(state: Any) -> Any:
        return Command(goto="worker" if len(state["messages"]) == 1 else "__end__")

    builder = line(boss=decide)
    builder.add_node("worker", line(work=saying("working"), back=back).compile(), destinations=("boss",))
    recording.run(builder.compile(), ASKED)
    recording.assert_tells("""
        LangGraph
          in user: 2+2?
          step boss
          step worker outcome='handed-off'
            step work
            step back outcome='handed-off'
          step boss
          handoff from worker/back to boss
          out assistant: done name='worker'
    """)
