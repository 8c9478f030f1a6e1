"""The paper's truster: a ranker that scores each answer alone, so that no order can sway it (2311.07961, section 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda

from langdistill.errors import ModelError
from langdistill.questions import question_of
from langdistill.refining.trusting import Trust

Scorer = Callable[[dict[str, str]], float] | Runnable[Any, Any]
"""From ``{"question": ..., "reply": ...}`` to a number, the higher the better: `student.scorer()`, a reward model, a function."""


@dataclass(frozen=True)
class Ranker:
    """See `ranker`."""

    scorer: Runnable[Any, Any]
    name: str = "ranker"

    def __call__(self, state: Mapping[str, Any], first: AIMessage, refined: AIMessage) -> Generator[Any, Any, Trust]:
        """The scores of both.

        Raises:
            ModelError: one is no number.
        """
        question = question_of(state)
        scores = self.scorer.batch([{"question": question, "reply": one.text} for one in (first, refined)])
        for one in scores:
            if not isinstance(one, int | float) or isnan(one):
                raise ModelError(f"The truster's scorer gave {one!r}; it must give a number, the higher the better.")
        return Trust(*map(float, scores))
        yield  # a body of a node is a generator, and this one asks nothing


def ranker(scorer: Scorer) -> Ranker:
    """Trust the answer that a scorer gives the higher number.

    Args:
        scorer: see `Scorer`; a process reward model by its score of a whole solution, too.
    """
    return Ranker(scorer if isinstance(scorer, Runnable) else RunnableLambda(scorer))
