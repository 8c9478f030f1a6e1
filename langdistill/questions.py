"""What every thinking graph takes and gives: a conversation in, the same conversation and an answer out.

Both schemas are narrow on purpose. A graph nested in a parent that shares a reducer key would otherwise hand back what
it was given and have it counted twice, so whatever a strategy needs besides stays in its own private state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict, TypeVar

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import Runnable
from langgraph.graph.message import add_messages

from langdistill.answers import Extract, final_answer
from langdistill.errors import AnswerError

Graph = TypeVar("Graph", bound=Runnable[Any, Any])


class Question(TypedDict):
    """Input of a thinking graph."""

    messages: Annotated[list[AnyMessage], add_messages]


class Answered(TypedDict):
    """Output of a thinking graph: `messages` ends in the answer as a user reads it, `answer` is that answer alone."""

    messages: Annotated[list[AnyMessage], add_messages]
    answer: str | None


class Thinking(Question, Answered):
    """State of a graph with nothing private; the others extend it."""


def question_of(state: Mapping[str, Any]) -> str:
    """The text of the user's last message.

    Raises:
        AnswerError: there is no message, or the last one is not the user's, or it holds no text.
    """
    messages = state.get("messages") or []
    if not messages or not isinstance(messages[-1], HumanMessage) or not messages[-1].text.strip():
        got = f"a last message of type {messages[-1].type!r}" if messages else "no messages"
        raise AnswerError(
            f"A thinking graph answers the user's last message and got {got}. End `messages` with a user message that has text."
        )
    return messages[-1].text


def history_of(state: Mapping[str, Any]) -> list[AnyMessage]:
    """What was said before the question: system prompt and earlier turns."""
    return list(state["messages"][:-1])


def conclude(answer: str | None, reply: AIMessage | None = None) -> dict[str, Any]:
    """The update that ends a strategy: the answer alone for the user, or the whole reply when no answer could be read."""
    text = answer if answer is not None else reply.text if reply else ""
    return {"messages": [AIMessage(text)], "answer": answer}


def conclude_from(reply: AIMessage, extract: Extract = final_answer) -> dict[str, Any]:
    """`conclude` with the answer that the reply ends in."""
    return conclude(extract(reply.text), reply)


def turn(state: Mapping[str, Any], text: str) -> list[AnyMessage]:
    """The conversation with its question replaced by a prompt: what a strategy asks its model."""
    return [*history_of(state), HumanMessage(text)]


def labelled(graph: Graph, strategy: str, **params: Any) -> Graph:
    """The graph with its provenance in the metadata of every run inside it: strategy and, by name, its knobs."""
    return graph.with_config(metadata={"strategy": strategy, "params": params})  # type: ignore[return-value]
