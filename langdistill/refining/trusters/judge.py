"""A chat model as truster: it compares both answers in both orders, and what it prefers in one order alone is not preferred.

With the model that answered this is the paper's baseline "Self".
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.answers import swapped, verdict
from langdistill.asking import ask, chat_model, without_tools
from langdistill.prompts import check, fill
from langdistill.questions import question_of, turn
from langdistill.refining.trusting import Trust

PROMPT = """\
Question: {question}

Answer A:
{first}

Answer B:
{second}

Which answer is right? Think, then end with one line that reads "Verdict: A" or "Verdict: B"."""
"""Places: the question and both answers. Own wording."""


@dataclass(frozen=True)
class Judge:
    """See `judge`."""

    model: Runnable[Any, Any]
    template: str
    name: str = "judge"

    def __post_init__(self) -> None:
        check(self.template, "question", "first", "second")

    def __call__(self, state: Mapping[str, Any], first: AIMessage, refined: AIMessage) -> Generator[Any, Any, Trust]:
        """Half a point for each order that prefers an answer; two completions."""
        orders = [(first, refined), (refined, first)]
        replies = yield [ask(self.model, turn(state, self._prompt(state, *pair)), temperature=0.0) for pair in orders]
        said = [verdict(found[0].text) if found else None for found in replies]
        votes = [said[0], swapped(said[1])]
        return Trust(votes.count("A") / 2, votes.count("B") / 2)

    def _prompt(self, state: Mapping[str, Any], one: AIMessage, other: AIMessage) -> str:
        return fill(self.template, question=question_of(state), first=one.text, second=other.text)


def judge(model: str | BaseChatModel, template: str = PROMPT) -> Judge:
    """Trust what a judge prefers whichever is shown first; where it does not, the first answer stands.

    Args:
        model: a chat model or its string.
        template: with the places ``{question}``, ``{first}`` and ``{second}``; `answers.verdict` reads the reply.

    Raises:
        PromptError: the template has other places.
    """
    return Judge(without_tools(chat_model(model)), template)
