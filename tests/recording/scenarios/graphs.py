"""Small graphs that scenarios share."""

from __future__ import annotations

import time
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

ASKED: dict[str, Any] = {"messages": [("user", "2+2?")]}


def asking(model: Runnable[Any, AIMessage]) -> RunnableLambda[Any, Any]:
    """A node that asks the model about the conversation."""

    def ask(state: MessagesState) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    async def ask_later(state: MessagesState) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    return RunnableLambda(ask, afunc=ask_later, name="ask")


def saying(text: str) -> Any:
    """A node that says the same for ever."""
    return lambda state: {"messages": [AIMessage(text)]}


def stopping(question: Any) -> Any:
    """A node that asks a human, and says the answer."""

    def stop(state: MessagesState) -> Any:
        time.sleep(0.02)  # so that two of them overlap
        return {"messages": [AIMessage(str(interrupt(question)))]}

    return stop


def line(**nodes: Any) -> StateGraph[Any, Any, Any, Any]:
    """A graph of nodes one after another."""
    builder = StateGraph(MessagesState)
    before = START
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(before, name)
        before = name
    return builder


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
def boom(a: int) -> int:
    """Fail."""
    raise ValueError("boom!")
