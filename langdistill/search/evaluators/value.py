"""Each state is valued alone: sure, likely or impossible to come to the right answer (2305.10601, section 3, "Value")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.answers import outlook
from langdistill.asking import Ask, ask, chat_model, without_tools
from langdistill.prompts import check, fill
from langdistill.questions import question_of, turn
from langdistill.search.actions import START, so_far_told
from langdistill.search.evaluating import Judgement, Judging
from langdistill.search.settings import refuse_below_one

PROMPT = (
    START
    + "Judge whether these steps are right and lead to the right answer; where they end in an answer, whether it is right. Check each "
    'step in a few words, and end with one line that reads "Judgement: sure", "Judgement: likely" or "Judgement: impossible".'
)
"""Places: the question and the steps so far. Own wording; begins like the request for the next step."""

WEIGHTS: Mapping[str, float] = {"sure": 20.0, "likely": 1.0, "impossible": 0.001}
"""What each judgement counts in the authors' code for the Game of 24; the paper does not tell."""


@dataclass(frozen=True)
class Value:
    """See `value`."""

    model: Runnable[Any, Any] | None
    samples: int
    weights: Mapping[str, float]
    template: str
    temperature: float | None
    max_tokens: int | None
    name: str = "value"
    compares: bool = False

    def __post_init__(self) -> None:
        refuse_below_one(samples=self.samples, max_tokens=self.max_tokens)
        check(self.template, "question", "so_far")

    def __call__(self, state: Mapping[str, Any], model: Runnable[Any, Any], paths: Sequence[Sequence[str]]) -> Judging:
        """The sum of what the samples of each state weigh."""
        replies = yield [self._ask(state, model, path) for path in paths]
        return [self._judgement(some) for some in replies]

    def _ask(self, state: Mapping[str, Any], model: Runnable[Any, Any], path: Sequence[str]) -> Ask:
        text = fill(self.template, question=question_of(state), so_far=so_far_told(path))
        return ask(
            self.model or model,
            turn(state, text),
            n=self.samples,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
        )

    def _judgement(self, replies: Sequence[AIMessage]) -> Judgement:
        said = [told for reply in replies if (told := outlook(reply.text)) is not None]
        weights = [self.weights[one] for one in said if one in self.weights]
        return Judgement(len(weights), sum(weights))


def value(
    model: str | BaseChatModel | None = None,
    *,
    samples: int = 3,
    weights: Mapping[str, float] = WEIGHTS,
    template: str = PROMPT,
    temperature: float | None = 0.7,
    max_tokens: int | None = 512,
) -> Value:
    """An evaluator that looks at one state at a time; once judged, a state keeps its value.

    A reply that cannot be read counts as the mean of the others. In the authors' code it counts 0, less than "impossible".

    Args:
        model: who judges; by default the model that searches.
        samples: judgements of a state (3 in the paper's Game of 24).
        weights: of "sure", "likely" and "impossible"; what is not in it is not read.
        template: with the places ``{question}`` and ``{so_far}``; `answers.outlook` reads the reply.
        temperature: of each sample; `None` leaves the model's own.
        max_tokens: most of each judgement; `None` leaves the model's own.

    Raises:
        ModelError: `samples` is below 1.
        PromptError: the template has other places.
    """
    judge = None if model is None else without_tools(chat_model(model))
    return Value(judge, samples, weights, template, temperature, max_tokens)
