"""The same question in other words, by a model or by a function of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from langdistill.asking import ask, chat_model
from langdistill.consulting import consult
from langdistill.errors import AnswerError
from langdistill.perturbations.perturbing import Apply, Perturbation
from langdistill.prompts import check, fill
from langdistill.records import Problem

REWORD = (
    "Write the question below in other words. Keep everything that its answer depends on: numbers, names, quoted text, code, "
    "options and their letters, and what form the answer is to have. Do not answer it. Write the new question and nothing "
    "else.\n\n{question}"
)
"""Place: the question."""


@dataclass(frozen=True)
class Reworded(Perturbation):
    """A rewording by a model; of several problems all are asked for together."""

    reword: Callable[[Sequence[str]], Sequence[str | None]] | None = None

    def problems(self, problems: Iterable[Problem], seed: int = 0) -> list[Problem]:
        """See `Perturbation.problems`."""
        assert self.reword is not None
        originals = list(problems)
        found = zip(originals, self.reword([one.question for one in originals]), strict=True)
        return [Problem(id=one.id, question=text, perturbation=self.name) for one, text in found if text]


def reworded(
    how: str | BaseChatModel | Runnable[Any, Any] | Apply,
    *,
    prompt: str = REWORD,
    temperature: float | None = 0.7,
    max_concurrency: int | None = None,
) -> Perturbation:
    """Ask in other words; the answer stays as it is.

    Whether a model kept the meaning, nobody checks: a problem that it changed goes as "unstable".

    Args:
        how: a chat model or its string; or a function of the question and a `random.Random`, which raises `AnswerError` where it
            cannot reword it.
        prompt: template with the place ``{question}``, for a model.
        temperature: of the model's reply; `None` leaves the model's own. Run inside `caching` to have the same rewording again.
        max_concurrency: requests under way at a time.

    Raises:
        PromptError: the template has other places.
    """
    if not isinstance(how, (str, Runnable)):
        return Perturbation("reworded", how)
    check(prompt, "question")
    model = chat_model(how)

    def reword(questions: Sequence[str]) -> list[str | None]:
        asks = [ask(model, fill(prompt, question=one), temperature=temperature) for one in questions]
        replies = consult(asks, name="reworded", max_concurrency=max_concurrency)
        return [_read(reply, question) for reply, question in zip(replies, questions, strict=True)]

    def apply(question: str, rng: Random) -> str:
        [text] = reword([question])
        if text is None:
            raise AnswerError(
                f"The model did not reword {question[:200]!r}: its reply is empty or the question itself."
            )
        return text

    return Reworded("reworded", apply, reword=reword)


def _read(replies: Sequence[AIMessage], question: str) -> str | None:
    text = replies[0].text.strip() if replies else ""
    return text if text and text != question.strip() else None
