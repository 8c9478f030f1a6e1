"""The runs that `recorder.py` has recorded: equal steps, and an agent of fifty turns. Their models take no time."""

from __future__ import annotations

import random
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from langdistill.testing.models import OneReplyChatModel

STEPS = 20
"""Of a run of equal steps."""
TURNS = 50
"""Of an agent."""

_random = random.Random(0)
WORDS = [
    "".join(_random.choices(["ka", "ro", "mi", "ten", "lu", "sor", "ve", "nda"], k=_random.randint(1, 4)))
    for _ in range(2000)
]


def text(words: int, seed: Any) -> str:
    """Words that no other text has in this order."""
    return " ".join(random.Random(str(seed)).choices(WORDS, k=words))


class Counted(TypedDict):
    """State of a run of equal steps."""

    messages: list[AnyMessage]
    step: int


def steps(*, later: bool) -> Any:
    """A graph that asks the model about the same messages until it has done so `STEPS` times."""
    model = OneReplyChatModel(script=lambda messages, at: "Answer: 4")

    def think(state: Any) -> Any:
        model.invoke(state["messages"])
        return {"step": state["step"] + 1}

    async def athink(state: Any) -> Any:
        await model.ainvoke(state["messages"])
        return {"step": state["step"] + 1}

    def route(state: Any) -> str:
        return "think" if state["step"] < STEPS else END

    graph: Any = StateGraph(Counted)
    graph.add_node("think", athink if later else think)
    graph.add_edge(START, "think").add_conditional_edges("think", route)
    return graph.compile()


def conversation(length: int) -> list[BaseMessage]:
    """Alternate messages of forty words."""
    kinds = (HumanMessage, AIMessage)
    return [kinds[at % 2](text(40, at)) for at in range(length)]


def agent() -> Any:
    """An agent that calls a tool in each of its turns; its model reads the turn off the conversation."""

    def script(messages: list[BaseMessage], at: int) -> AIMessage:
        turn = sum(isinstance(one, AIMessage) for one in messages) + 1
        name = messages[0].text
        if turn > TURNS:
            return AIMessage(text(30, (name, "end")))
        call = {"name": "look_up", "args": {"key": f"{name}-{turn}"}, "id": f"call-{name}-{turn}"}
        return AIMessage(text(30, (name, turn)), tool_calls=[call])

    def look_up(key: str) -> str:
        """Look a key up."""
        return text(80, key)

    return create_agent(OneReplyChatModel(script=script), [look_up])


def task(number: int) -> Any:
    return {"messages": [HumanMessage(f"task {number}")]}
