"""Best of n: sample several replies, score each, conclude with the best.

Source: the sampling-and-ranking of verifiers (Cobbe et al., 2110.14168). The scorer is yours: a reward model, a test run, a rule.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import chat_model
from langdistill.errors import ModelError
from langdistill.nodes import step
from langdistill.prompts import STEP_BY_STEP
from langdistill.questions import (
    Answered,
    Candidate,
    Question,
    Thinking,
    conclude,
    labelled,
    question_of,
    reply_of,
)
from langdistill.sampling import sampler

Scorer = Callable[[dict[str, str]], float] | Callable[[dict[str, str]], Awaitable[float]] | Runnable[Any, Any]
"""From ``{"question": ..., "reply": ...}`` to a number, the higher the better: a function, sync or async, or a Runnable."""


class Ranking(Thinking):
    """State of the graph: the sampled replies, in sample order, and their scores."""

    candidates: list[Candidate]
    scores: list[float]


def create_best_of_n(
    model: str | BaseChatModel | CompiledStateGraph[Any, Any, Any, Any],
    scorer: Scorer,
    *,
    samples: int = 8,
    temperature: float | None = 0.7,
    prompt: str = STEP_BY_STEP,
    extract: Extract = final_answer,
    name: str = "best_of_n",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that samples, scores every sample by itself and concludes with the highest score.

    Equal scores go to the sample drawn first. A score that is no number is an error: a ranking by it would be by chance.

    Args:
        model: a chat model or its string, asked with `prompt`; or another strategy's graph, run `samples` times.
        scorer: see `Scorer`; it never sees a gold answer unless you give it one.
        samples: how many, at least 1.
        temperature: of each sample; `None` leaves the model's own.
        prompt: template with the place ``{question}``.
        extract: reads the final answer out of the best sample.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; `samples` completions of a chat model.

    Raises:
        ModelError: `samples` is below 1, or a score is no number.
        PromptError: the template has other places.
    """
    chat = chat_model(model)
    sample = sampler(chat, samples=samples, temperature=temperature, prompt=prompt, extract=extract)
    ranker: Runnable[Any, Any] = scorer if isinstance(scorer, Runnable) else RunnableLambda(scorer)  # type: ignore[arg-type]

    def score(state: Ranking, config: RunnableConfig):
        return {"scores": _numbers(ranker.batch(_inputs(state), config))}

    async def ascore(state: Ranking, config: RunnableConfig):
        return {"scores": _numbers(await ranker.abatch(_inputs(state), config))}

    def choose(state: Ranking):
        best = max(range(len(state["scores"])), key=lambda at: (state["scores"][at], -at))
        winner = state["candidates"][best]
        return conclude(reply_of(winner), winner["answer"])

    graph = StateGraph(Ranking, input_schema=Question, output_schema=Answered)
    scoring = RunnableLambda(score, afunc=ascore, name="score")
    steps: list[Any] = [("sample", step(sample)), ("score", scoring), ("choose", step(choose))]
    graph.add_sequence(steps)
    graph.add_edge(START, "sample")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, samples=samples, temperature=temperature)


def _inputs(state: Ranking) -> list[dict[str, str]]:
    question = question_of(state)
    return [{"question": question, "reply": reply_of(one).text} for one in state["candidates"]]


def _numbers(scores: list[Any]) -> list[float]:
    for one in scores:
        if not isinstance(one, int | float) or math.isnan(one):
            raise ModelError(f"The scorer gave {one!r}; it must give a number, the higher the better.")
    return [float(one) for one in scores]
