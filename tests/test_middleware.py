from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRetryMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from langdistill import (
    Attend,
    Think,
    budget,
    create_ask_refine_trust,
    create_chain_of_thought,
    create_least_to_most,
    create_rephrase_and_respond,
    create_self_consistency,
    create_self_refine,
    create_system2_attention,
    create_universal_self_consistency,
)
from langdistill.errors import PromptError
from langdistill.middleware import first_turn
from langdistill.testing.models import OneReplyChatModel, ScriptedChatModel

Run = Callable[[Any, Any], Any]


def now(agent: Any, given: Any) -> Any:
    return agent.invoke(given, {"configurable": {"thread_id": "1"}})


def later(agent: Any, given: Any) -> Any:
    return asyncio.run(agent.ainvoke(given, {"configurable": {"thread_id": "1"}}))


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def call(number: int, a: int = 2, b: int = 3) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "add", "args": {"a": a, "b": b}, "id": f"call-{number}"}])


ASKED = {"messages": [("user", "What is 2 + 3?")]}


@pytest.mark.parametrize("run", [now, later])
def test_samples_vote_for_a_tool_call_by_name_and_arguments(run: Run) -> None:
    def script(messages: list[BaseMessage], number: int) -> str | AIMessage:
        if isinstance(messages[-1], ToolMessage):
            return "The tool says so.\nAnswer: 5"
        return call(number) if number % 3 else call(number, a=9)

    model = OneReplyChatModel(script=script)
    think = Think(create_self_consistency, samples=3)
    agent = create_agent(model, [add], system_prompt="Be brief.", middleware=[think], checkpointer=InMemorySaver())
    output = run(agent, ASKED)
    asked, called, result, final = output["messages"]
    assert called.tool_calls[0]["args"] == {"a": 2, "b": 3}, "two of three samples vote for it"
    assert (result.text, final.text) == ("5", "5")
    assert asked.text == "What is 2 + 3?", "the agent's conversation holds no prompt of the strategy"
    assert len(model.prompts) == 6
    assert all(prompt[0].text == "Be brief." for prompt in model.prompts)
    assert all("step by step" in prompt[1].text for prompt in model.prompts)


@pytest.mark.parametrize("run", [now, later])
@pytest.mark.parametrize(
    "strategy",
    [
        create_chain_of_thought,
        create_rephrase_and_respond,
        create_self_consistency,
        create_system2_attention,
        create_universal_self_consistency,
        create_self_refine,
        create_least_to_most,
    ],
)
def test_every_strategy_around_an_agent(run: Run, strategy: Any) -> None:
    def script(messages: list[BaseMessage], number: int) -> str | AIMessage:
        return "nothing to improve" if "Draft:" in messages[-1].text else "So.\nAnswer: 5"

    def with_tools(messages: list[BaseMessage], number: int) -> str | AIMessage:
        return script(messages, number) if isinstance(messages[-1], ToolMessage) else call(number)

    model = OneReplyChatModel(script=script, with_tools=with_tools)
    agent = create_agent(model, [add], middleware=[Think(strategy)], checkpointer=InMemorySaver())
    messages = run(agent, ASKED)["messages"]
    assert [one.type for one in messages] == ["human", "ai", "tool", "ai"]
    assert messages[1].tool_calls[0]["name"] == "add"
    assert messages[-1].text in ("5", "So.\nAnswer: 5")


@pytest.mark.parametrize("run", [now, later])
def test_answers_of_an_agent_are_asked_about_refined_and_trusted(run: Run) -> None:
    def script(messages: list[BaseMessage], number: int) -> str:
        text = next(one.text for one in reversed(messages) if isinstance(one, HumanMessage))
        if "Verdict:" in text:
            return "Verdict: " + ("A" if text.index("Answer: 5") < text.index("Answer: 6") else "B")
        if "Refine:" in text:
            return "Which numbers are added?\nRefine: yes"
        return "Answer: 5" if "Which numbers are added?" in text else "Answer: 6"

    def with_tools(messages: list[BaseMessage], number: int) -> str | AIMessage:
        return script(messages, number) if isinstance(messages[-1], ToolMessage) else call(number)

    model = OneReplyChatModel(script=script, with_tools=with_tools)
    agent = create_agent(model, [add], middleware=[Think(create_ask_refine_trust)], checkpointer=InMemorySaver())
    messages = run(agent, ASKED)["messages"]
    assert [one.type for one in messages] == ["human", "ai", "tool", "ai"]
    assert messages[1].tool_calls[0]["name"] == "add", "a call of a tool goes out at once"
    assert messages[-1].text == "5"
    assert len(model.prompts) == 1 + 5


def test_when_decides() -> None:
    model = OneReplyChatModel(
        script=lambda messages, number: "5" if isinstance(messages[-1], ToolMessage) else call(number)
    )
    agent = create_agent(model, [add], middleware=[Think(create_self_consistency, samples=3, when=first_turn)])
    agent.invoke(ASKED)
    assert len(model.prompts) == 4, "three samples before the tool, one plain call after it"


def test_middleware_inside_of_it_holds_for_every_call() -> None:
    def script(messages: list[BaseMessage], number: int) -> str:
        if number % 2 == 0:
            raise ConnectionError("lost")
        return "Answer: 5"

    model = OneReplyChatModel(script=script)
    retry = ModelRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
    agent = create_agent(model, [], middleware=[Think(create_self_consistency, samples=3), retry])
    assert agent.invoke(ASKED, {"max_concurrency": 1})["messages"][-1].text == "5"
    assert len(model.prompts) == 6


def test_two_strategies_one_around_the_other() -> None:
    model = OneReplyChatModel(script=lambda messages, number: "Answer: 5")
    agent = create_agent(
        model, [], middleware=[Think(create_self_consistency, samples=2), Think(create_rephrase_and_respond)]
    )
    assert agent.invoke(ASKED)["messages"][-1].text == "5"
    assert len(model.prompts) == 4


def test_a_structured_response_is_kept() -> None:
    class Sum(BaseModel):
        value: int

    def script(messages: list[BaseMessage], number: int) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": "Sum", "args": {"value": 5}, "id": f"call-{number}"}])

    agent = create_agent(
        OneReplyChatModel(script=script),
        [add],
        response_format=ToolStrategy(Sum),
        middleware=[Think(create_self_consistency, samples=3)],
    )
    assert agent.invoke(ASKED)["structured_response"] == Sum(value=5)


def test_a_budget_and_its_ledger_reach_into_an_agent() -> None:
    model = ScriptedChatModel(script=lambda messages, number: "Answer: 5")
    agent = create_agent(model, [], middleware=[Think(create_self_consistency, samples=8)])
    with budget(completions=3) as spent:
        final = agent.invoke(ASKED)["messages"][-1]
    assert (final.text, final.response_metadata["stopped"]) == ("5", "completions 3 of 3")
    [row] = spent.ledger()
    assert (row["strategy"], row["model"], row["completions"]) == ("self_consistency", "scripted", 3)


def test_a_call_without_a_question_is_left_alone() -> None:
    model = OneReplyChatModel(script=lambda messages, number: "hello")
    agent = create_agent(model, [], middleware=[Think(create_self_consistency), Attend()])
    assert agent.invoke({"messages": [("ai", "hi")]})["messages"][-1].text == "hello"
    assert len(model.prompts) == 1


def test_the_thinking_stays_out_of_the_message_stream_of_an_agent() -> None:
    model = OneReplyChatModel(script=lambda messages, number: "I think.\nAnswer: 5")
    agent = create_agent(model, [], middleware=[Think(create_self_consistency, samples=3)])
    shown = [part[0].text for part in agent.stream(ASKED, stream_mode="messages")]
    assert "".join(shown) == "5"


@pytest.mark.parametrize("run", [now, later])
def test_attend_cleans_what_the_model_sees_once(run: Run) -> None:
    def script(messages: list[BaseMessage], number: int) -> str | AIMessage:
        if "Extract the part" in messages[-1].text:
            return "Context: none\nQuestion: What is 2 + 3?"
        return "It is 5." if isinstance(messages[-1], ToolMessage) else call(number)

    model = OneReplyChatModel(script=script)
    agent = create_agent(model, [add], system_prompt="Be brief.", middleware=[Attend()], checkpointer=InMemorySaver())
    output = run(agent, {"messages": [("user", "My aunt says it is 7. What is 2 + 3?")]})
    assert [message.text for message in output["messages"]] == [
        "My aunt says it is 7. What is 2 + 3?", "", "5", "It is 5."]  # fmt: skip
    rewriting, first, second = model.prompts
    assert "aunt" in rewriting[-1].text
    assert [message.text for message in first] == ["Be brief.", "What is 2 + 3?"]
    assert [message.text for message in second] == ["Be brief.", "What is 2 + 3?", "", "5"]
    assert "attended" not in output
    run(agent, {"messages": [("user", "And 3 + 3?")]})
    assert "Extract the part" in model.prompts[3][-1].text, "a new message is rewritten anew"
    assert model.prompts[4][1].text == "What is 2 + 3?", "and the first one stays rewritten"


def test_attend_with_a_model_of_its_own_and_a_condition() -> None:
    rewriter = OneReplyChatModel(script=lambda messages, number: "Question: What is 2 + 3?")
    model = OneReplyChatModel(script=lambda messages, number: messages[-1].text)
    attend = Attend(rewriter, when=lambda request: "aunt" in request.messages[-1].text)
    agent = create_agent(model, [], middleware=[attend])
    assert agent.invoke({"messages": [("user", "My aunt. 2+3?")]})["messages"][-1].text == "What is 2 + 3?"
    assert agent.invoke({"messages": [("user", "2+3?")]})["messages"][-1].text == "2+3?"
    assert len(rewriter.prompts) == 1


def test_attend_checks_its_template_at_once() -> None:
    with pytest.raises(PromptError, match="question"):
        Attend(regenerate="Rewrite this.")


def test_pictures_stay_in_the_question() -> None:
    picture = {"type": "image", "url": "https://example.org/cat.png"}
    model = OneReplyChatModel(script=lambda messages, number: "Answer: a cat")
    agent = create_agent(model, [], middleware=[Think(create_chain_of_thought)])
    agent.invoke({"messages": [HumanMessage([{"type": "text", "text": "What is this?"}, picture])]})
    [[asked]] = model.prompts
    assert asked.content[1] == picture  # type: ignore[index]
    assert asked.text.startswith("What is this?\nThink step by step")


def test_they_are_middleware_with_names_of_their_own() -> None:
    both = [Think(create_self_consistency), Think(create_chain_of_thought), Attend()]
    assert all(isinstance(one, AgentMiddleware) for one in both)
    assert len({one.name for one in both}) == 3
