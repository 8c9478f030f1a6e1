"""States are shown together, and each vote goes to the most promising one (2305.10601, section 3, "Vote")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.answers import selection
from langdistill.asking import ask, chat_model, without_tools
from langdistill.prompts import check, fill
from langdistill.questions import question_of, turn
from langdistill.search.evaluating import Judgement, Judging
from langdistill.search.settings import refuse_below_one

PROMPT = (
    "{question}\n\nSeveral ways to go about it, as far as they have come:\n\n{responses}\n\n"
    "Which of them is the most likely to lead to the right answer, or to have come to it? Compare them in a few words, and end with one "
    'line that reads "Most promising: Response N", N being its number.'
)
"""Places: the question, and the numbered states. Own wording."""


@dataclass(frozen=True)
class Vote:
    """See `vote`."""

    model: Runnable[Any, Any] | None
    samples: int
    template: str
    temperature: float | None
    max_tokens: int | None
    name: str = "vote"
    compares: bool = True

    def __post_init__(self) -> None:
        refuse_below_one(samples=self.samples, max_tokens=self.max_tokens)
        check(self.template, "question", "responses")

    def __call__(self, state: Mapping[str, Any], model: Runnable[Any, Any], paths: Sequence[Sequence[str]]) -> Judging:
        """The votes for each state, of all that could be read; one state alone is not voted on."""
        if len(paths) < 2:
            return [Judgement(0, 0.0) for _ in paths]
        text = fill(self.template, question=question_of(state), responses=_numbered(paths))
        [replies] = yield [
            ask(
                self.model or model,
                turn(state, text),
                n=self.samples,
                temperature=self.temperature,
                max_tokens=self.max_tokens,
            )
        ]
        return _counted(replies, len(paths))


def vote(
    model: str | BaseChatModel | None = None,
    *,
    samples: int = 5,
    template: str = PROMPT,
    temperature: float | None = 0.7,
    max_tokens: int | None = 512,
) -> Vote:
    """An evaluator that compares the states of a level; those with an answer are compared again with each level's.

    A vote that cannot be read is none; where none can be read, no state is judged.

    Args:
        model: who votes; by default the model that searches.
        samples: votes of a level (5 in the paper's creative writing).
        template: with the places ``{question}`` and ``{responses}``; `answers.selection` reads the reply.
        temperature: of each vote; `None` leaves the model's own.
        max_tokens: most of each vote; `None` leaves the model's own.

    Raises:
        ModelError: `samples` is below 1.
        PromptError: the template has other places.
    """
    judge = None if model is None else without_tools(chat_model(model))
    return Vote(judge, samples, template, temperature, max_tokens)


def _numbered(paths: Sequence[Sequence[str]]) -> str:
    return "\n\n".join("\n".join([f"Response {number}:", *path]) for number, path in enumerate(paths, 1))


def _counted(replies: Sequence[AIMessage], states: int) -> list[Judgement]:
    votes = [found for reply in replies if (found := selection(reply.text, states)) is not None]
    return [Judgement(len(votes), float(votes.count(one))) for one in range(states)]
