"""A trained classifier as asker: it says how likely the answer is to be wrong, and asks no sub-questions.

What the paper's asker is without its questions (2311.07961, section 3.2): the decision alone, as a probability, from a model far smaller
than the one that answers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda

from langdistill.errors import ModelError
from langdistill.questions import question_of
from langdistill.refining.doubting import Doubt

WRONG = "wrong"

Model = Callable[[dict[str, str]], Any] | Runnable[Any, Any]
"""From ``{"question": ..., "reply": ...}`` to the probability that the reply is wrong, or to a student's label with the probabilities
of all: ``{"label": ..., "probabilities": {...}}``."""


@dataclass(frozen=True)
class Classifier:
    """See `classifier`."""

    model: Runnable[Any, Any]
    wrong: str
    name: str = "classifier"

    def __call__(self, state: Mapping[str, Any], reply: AIMessage) -> Generator[Any, Any, Doubt]:
        """How likely it is to be wrong, without a question.

        Raises:
            ModelError: what the model gives is no probability, or not that of the label.
        """
        told = self.model.invoke({"question": question_of(state), "reply": reply.text})
        return Doubt([], self._probability(told))
        yield  # a body of a node is a generator, and this one asks nothing

    def _probability(self, told: Any) -> float:
        found: Any = self._of_label(cast("Mapping[str, Any]", told)) if isinstance(told, Mapping) else told
        if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= 1:
            return float(found)
        raise ModelError(
            f"The asker's classifier gave {found!r}; it must give the probability that the answer is wrong, from 0 to 1."
        )

    def _of_label(self, told: Mapping[str, Any]) -> Any:
        known: Mapping[str, Any] = told.get("probabilities") or {}
        if self.wrong not in known:
            raise ModelError(
                f"The asker's classifier knows the labels {sorted(known)}, and none is {self.wrong!r}. Name the one of wrong answers: "
                "classifier(model, wrong=...)."
            )
        return known[self.wrong]


def classifier(model: Model, *, wrong: str = WRONG) -> Classifier:
    """Refine what a classifier takes for wrong; no completions, and nothing that the refinement is told.

    A student reads one prompt: put what it was trained on before it, as in
    ``RunnableLambda(lambda one: fill(DOUBT, **one)) | student.classifier()``.

    Args:
        model: see `Model`.
        wrong: the label of wrong answers, where the model gives the probabilities of labels.
    """
    return Classifier(model if isinstance(model, Runnable) else RunnableLambda(model), wrong)
