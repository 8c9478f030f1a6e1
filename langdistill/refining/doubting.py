"""What an asker is: it reads a question and an answer, asks what a right one must settle, and says how likely it is to be wrong."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.answers import decision
from langdistill.asking import ask
from langdistill.confidence import DECIDING, odds, tokens_of
from langdistill.prompts import check, fill
from langdistill.questions import NUMBERING, question_of, turn

MOST_QUESTIONS = 10
"""Of a reply; what comes after them is not read."""


class Doubt(NamedTuple):
    """What an asker says of an answer."""

    questions: list[str]
    """What a right solution must answer; may be empty."""
    refine: float | None
    """How likely the answer is to be wrong, from 0 to 1; `None` where the asker came to no decision."""


class Asker(Protocol):
    """Reads the state's question and an answer to it; yields what it wants asked, and returns its doubt."""

    @property
    def name(self) -> str:
        """As traces tell it."""
        ...

    def __call__(self, state: Mapping[str, Any], reply: AIMessage) -> Generator[Any, Any, Doubt]:
        """Doubt a reply; a body of a graph's node, as `langdistill.nodes` runs it."""
        ...


@dataclass(frozen=True)
class ModelAsker:
    """A chat model that writes sub-questions and then a decision: "Refine: yes" or "Refine: no"."""

    name: str
    model: Runnable[Any, Any]
    template: str

    def __post_init__(self) -> None:
        check(self.template, "question", "reply")

    def __call__(self, state: Mapping[str, Any], reply: AIMessage) -> Generator[Any, Any, Doubt]:
        """One completion."""
        text = fill(self.template, question=question_of(state), reply=reply.text)
        [told] = yield ask(self.model, turn(state, text), **DECIDING)
        return doubt_in(told)


def doubt_in(told: AIMessage) -> Doubt:
    """Sub-questions and decision of a reply; a probability where the decision's token has alternatives."""
    found = decision(told.text)
    if found is None:
        return Doubt(_questions(told.text), None)
    refine, at = found
    token = _token_at(told, at)
    share = odds(token, "yes", "no") if token else None
    return Doubt(_questions(told.text[:at]), float(refine) if share is None else share)


def _questions(text: str) -> list[str]:
    lines = [NUMBERING.sub("", line).strip() for line in text.splitlines()]
    return [line for line in lines if line.endswith("?")][:MOST_QUESTIONS]


def _token_at(told: AIMessage, at: int) -> dict[str, Any] | None:
    """The token in which the text's place is."""
    start = 0
    for token in tokens_of(told):
        start += len(token["token"])
        if start > at:
            return token
    return None
