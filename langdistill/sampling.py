"""Draw the samples of a group: the first step of every strategy that samples."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract
from langdistill.asking import Ask, ask
from langdistill.budgets import BudgetSpent
from langdistill.prompts import check, fill
from langdistill.questions import Candidate, candidate, question_of, turn
from langdistill.votes import Stop, fixed


def sampler(
    chat: Runnable[Any, Any],
    *,
    samples: int,
    temperature: float | None,
    prompt: str,
    extract: Extract,
    stop: Stop = fixed,
) -> Callable[[Any], Any]:
    """The body of a node that draws samples into the state's `candidates`, in sample order.

    A graph is run with the question as it is, by its own prompts; its inner calls mark the candidates.

    Raises:
        ModelError: `samples` is below 1.
        PromptError: the template has other places than ``{question}``.
    """
    inner = isinstance(chat, CompiledStateGraph)
    check(prompt, "question")
    ask(chat, "", n=samples)  # fails here and not in the first run

    def sample(state: Any):
        question = question_of(state)
        prompted = turn(state, question if inner else fill(prompt, question=question))

        def batch(first: int, n: int) -> Ask:
            return ask(chat, prompted, n=n, first=first, candidate=not inner, temperature=temperature)

        candidates = yield from _draw(batch, samples, stop, extract)
        return {"candidates": candidates}

    return sample


def _draw(
    batch: Callable[[int, int], Ask], samples: int, stop: Stop, extract: Extract
) -> Generator[Ask, list[AIMessage], list[Candidate]]:
    """Samples, batch by batch, until the rule says that they are enough."""
    drawn: list[Candidate] = []
    asked, failed = 0, False
    while asked < samples and not stop.enough([one["vote"] for one in drawn]):
        n = min(stop.batch or samples, samples - asked)
        try:
            replies = yield batch(asked, n)
            failed = False
        except BudgetSpent:
            if not drawn:
                raise
            break
        except Exception:
            if failed or n == samples:  # one batch may fail; two in a row are an outage
                raise
            replies, failed = [], True
        drawn += [candidate(reply, extract) for reply in replies]
        asked += n
    return drawn
