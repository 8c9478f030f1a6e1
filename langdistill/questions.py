"""What every thinking graph takes and gives: a conversation in, the same conversation and an answer out.

Both schemas are narrow on purpose. A graph nested in a parent that shares a reducer key would otherwise hand back what
it was given and have it counted twice, so whatever a strategy needs besides stays in its own private state.

The question is the user's last message. A conversation may go on after it with tool calls and their results, as an agent's
does; these stay where they are when a strategy puts its prompt in the question's place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NotRequired, TypeVar

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from langchain_core.runnables import Runnable
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from langdistill.answers import Extract, answer_part, final_answer, same
from langdistill.errors import AnswerError, ModelError
from langdistill.records import digest

NUMBERING = re.compile(r"^\s*(?:\d+[.):]|[-*•])\s*")

Graph = TypeVar("Graph", bound=Runnable[Any, Any])


class Question(TypedDict):
    """Input of a thinking graph."""

    messages: Annotated[list[AnyMessage], add_messages]


class Answered(TypedDict):
    """Output of a thinking graph: `messages` ends in the answer as a user reads it, `answer` is that answer alone."""

    messages: Annotated[list[AnyMessage], add_messages]
    answer: str | None
    """`None` where no answer could be read, or where the model calls a tool."""
    stopped: NotRequired[str | None]
    """Which cap of the budget cut the thinking short; not there where none did, `None` where one did in an earlier turn."""


class Thinking(Question, Answered):
    """State of every strategy; those that need more extend it."""

    cut: NotRequired[dict[str, Any]]
    """Which cap cut the run short so far, and the length of the conversation it was in."""


class Candidate(TypedDict):
    """A sampled reply as a graph's state keeps it."""

    answer: str | None
    vote: str | None
    """What it votes for: its answer; its tool calls, by names and arguments; or nothing."""
    message: dict[str, Any]


def question_of(state: Mapping[str, Any]) -> str:
    """The text of the user's last message.

    Raises:
        AnswerError: there is none, it holds no text, or the conversation ends in neither it nor a tool's result.
    """
    messages: Sequence[BaseMessage] = state.get("messages") or []
    if (question := asked(messages)) is None:
        got = f"a last message of type {messages[-1].type!r}" if messages else "no messages"
        raise AnswerError(
            f"A thinking graph answers the user's last message and got {got}. End `messages` with a user message that has "
            "text, or with the results of the tools called for it."
        )
    return question


def asked(messages: Sequence[BaseMessage]) -> str | None:
    """The question that a conversation ends in, or that tools have just been called for; `None` where there is none."""
    at = _last_question(messages)
    if at is None or not messages[at].text.strip() or not isinstance(messages[-1], HumanMessage | ToolMessage):
        return None
    return messages[at].text


def turn(state: Mapping[str, Any], text: str) -> list[AnyMessage]:
    """The conversation with its question replaced by a prompt: what a strategy asks its model."""
    messages = list(state["messages"])
    at = _last_question(messages)
    assert at is not None, "question_of has been asked before"
    return [*messages[:at], reworded(messages[at], text), *messages[at + 1 :]]


def reworded(message: BaseMessage, text: str) -> HumanMessage:
    """A user's message with another text; what else it holds, such as pictures, stays in it."""
    blocks = message.content if isinstance(message.content, list) else []
    others = [one for one in blocks if isinstance(one, dict) and one.get("type") != "text"]
    return HumanMessage([{"type": "text", "text": text}, *others]) if others else HumanMessage(text)


def said(reply: AIMessage, step: str) -> str:
    """The text of a reply that the next step needs.

    Raises:
        ModelError: it has none.
    """
    if not reply.text.strip():
        raise ModelError(
            f"The model's reply to the step {step!r} is empty, and the next step needs its text. "
            "Ask again, raise the token limit, or give another model."
        )
    return reply.text


def listed(reply: AIMessage, step: str, limit: int, numbering: re.Pattern[str] = NUMBERING) -> list[str]:
    """The first lines of a reply that hold anything, without their numbers or dashes.

    Raises:
        ModelError: the reply is empty.
    """
    lines = [numbering.sub("", line).strip() for line in said(reply, step).splitlines()]
    return [line for line in lines if line][:limit]


def candidate(reply: AIMessage, extract: Extract) -> Candidate:
    """A sampled reply, with what it votes for."""
    calls = sorted(digest([call["name"], call["args"]]) for call in reply.tool_calls)
    answer = None if calls else extract(reply.text)
    key = f"calls {digest(calls)}" if calls else answer
    return Candidate(answer=answer, vote=key, message=message_to_dict(reply))


def arrives_at(gold: str | None, one: Candidate) -> bool:
    """Whether a sampled reply ends in the gold answer; in none where there is no gold answer."""
    return gold is not None and one["answer"] is not None and same(one["answer"], gold)


def reply_of(one: Candidate) -> AIMessage:
    """The sampled reply itself."""
    [message] = messages_from_dict([one["message"]])
    assert isinstance(message, AIMessage)
    return message


def conclude(reply: AIMessage, answer: str | None, *, whole: bool = False) -> dict[str, Any]:
    """The update that ends a strategy.

    A reply that calls tools goes out as it is. Else the user reads the answer alone; the whole reply where there is no
    answer to be read in it, or where `whole` says that all of it is meant for the user.
    """
    if reply.tool_calls:
        return {"messages": [reply], "answer": None}
    text = reply.text if whole or answer is None else answer
    streamed = text in (reply.text, answer_part(reply.text))  # if it was another text, this is another message
    return {"messages": [AIMessage(text, id=reply.id if streamed else None)], "answer": answer}


def conclude_from(reply: AIMessage, extract: Extract = final_answer, *, whole: bool = False) -> dict[str, Any]:
    """`conclude` with the answer that the reply ends in."""
    return conclude(reply, None if reply.tool_calls else extract(reply.text), whole=whole)


def answer_of(extract: Extract) -> Callable[[str], str] | None:
    """What may be streamed of a reply whose answer is read by `extract`: nothing where that is not the reader of answer lines."""
    return answer_part if extract is final_answer else None


def whole_reply(text: str) -> str:
    """All of it: what may be streamed of a reply that is the answer."""
    return text


def labelled(graph: Graph, strategy: str, **params: Any) -> Graph:
    """The graph with its provenance in the metadata of every run inside it: strategy and, by name, its knobs."""
    return graph.with_config(metadata={"strategy": strategy, "params": params})  # type: ignore[return-value]


def _last_question(messages: Sequence[BaseMessage]) -> int | None:
    return next((at for at in reversed(range(len(messages))) if isinstance(messages[at], HumanMessage)), None)
