from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.recording.scenarios.conftest import Recording
from tests.recording.scenarios.graphs import ASKED, add
from tests.recording.scenarios.models import Says, asks


def _review(recording: Recording, decision: dict[str, Any]) -> None:
    reviewer = HumanInTheLoopMiddleware(
        interrupt_on={"add": {"allowed_decisions": ["approve", "edit", "reject"], "description": "Add?"}}
    )
    agent = create_agent(
        Says(asks("add", a=1, b=2), "done"), [add], middleware=[reviewer], checkpointer=InMemorySaver()
    )
    recording.run(agent, ASKED, thread="t")
    recording.run(agent, Command(resume={"decisions": [decision]}), thread="t")


def test_a_human_approves_a_tool(recording: Recording) -> None:
    _review(recording, {"type": "approve"})
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step model
            call c0 offered=['add']
              < user: 2+2?
              > assistant: '' add({"a":1,"b":2})#t0
          step HumanInTheLoopMiddleware.after_model outcome='interrupted'
          interrupt {'action_requests': [{'name': 'add', 'args': {'a': 1, 'b': 2}, 'description': 'Add?'}], 'review_configs': [{'action_name': 'add', 'allowed_decisions': ['approve', 'edit', 'reject']}]} at HumanInTheLoopMiddleware.after_model
          out assistant: '' add({"a":1,"b":2})#t0
        LangGraph thread='t' resume={'decisions': [{'type': 'approve'}]} continues=#0
          earlier user: 2+2?
          earlier assistant: '' add({"a":1,"b":2})#t0
          step HumanInTheLoopMiddleware.after_model
          step tools branch=0
            tool t0 add {'a': 1, 'b': 2} tool_call_id='t0' -> tool: 3 name='add' tool_call_id='t0'
          step model
            call c0 offered=['add']
              < user: 2+2?
              < assistant: '' add({"a":1,"b":2})#t0
              < tool: 3 name='add' tool_call_id='t0'
              > assistant: done
          step HumanInTheLoopMiddleware.after_model
          out tool: 3 name='add' tool_call_id='t0'
          out assistant: done
    """)


def test_a_human_edits_the_arguments_of_a_tool(recording: Recording) -> None:
    _review(recording, {"type": "edit", "edited_action": {"name": "add", "args": {"a": 10, "b": 20}}})
    asked, resumed = recording.traces
    assert asked.output[0].get("tool_calls", [])[0]["function"]["arguments"] == '{"a":1,"b":2}'
    [run] = resumed.tool_runs
    assert run.arguments == {"a": 10, "b": 20}
    assert run.output["content"] == "30"
    assert resumed.calls[0].prompt[1] == asked.output[0]
    note = resumed.output[0]
    assert note["role"] == "tool"
    assert "a human reviewer replaced" in str(note["content"])
    assert (resumed.continues, resumed.earlier, resumed.output[1]["content"]) == (asked.id, 2, "done")


def test_a_human_rejects_a_tool(recording: Recording) -> None:
    _review(recording, {"type": "reject", "message": "no"})
    recording.assert_tells("""
        LangGraph thread='t' outcome='interrupted'
          in user: 2+2?
          step model
            call c0 offered=['add']
              < user: 2+2?
              > assistant: '' add({"a":1,"b":2})#t0
          step HumanInTheLoopMiddleware.after_model outcome='interrupted'
          interrupt {'action_requests': [{'name': 'add', 'args': {'a': 1, 'b': 2}, 'description': 'Add?'}], 'review_configs': [{'action_name': 'add', 'allowed_decisions': ['approve', 'edit', 'reject']}]} at HumanInTheLoopMiddleware.after_model
          out assistant: '' add({"a":1,"b":2})#t0
        LangGraph thread='t' resume={'decisions': [{'type': 'reject', 'message': 'no'}]} continues=#0
          earlier user: 2+2?
          earlier assistant: '' add({"a":1,"b":2})#t0
          step HumanInTheLoopMiddleware.after_model
          step model
            call c0 offered=['add']
              < user: 2+2?
              < assistant: '' add({"a":1,"b":2})#t0
              < tool: User rejected the tool call for `add` with reason: no name='add' tool_call_id='t0'
              > assistant: done
          step HumanInTheLoopMiddleware.after_model
          out tool: User rejected the tool call for `add` with reason: no name='add' tool_call_id='t0'
          out assistant: done
    """)
