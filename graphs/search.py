"""rStar, for `langgraph dev`: a question in, the trusted answer out. Models, preset and caps come with the run (`context=`)."""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.runtime import get_runtime

from langdistill import create_mutual_reasoning
from langdistill.budgets import Budget, budget
from langdistill.lab import lab_model
from langdistill.questions import Answered, Question, Thinking
from langdistill.search.actions import Grammar
from langdistill.search.grammars.commonsense import COMMONSENSE
from langdistill.search.grammars.maths import MATHS
from langdistill.search.settings import find_preset

GRAMMARS = {"any": Grammar(), "maths": MATHS, "commonsense": COMMONSENSE}
SHORT = 48
"""Most tokens of a reply of the embedded model, whose context is short."""


@dataclass
class Knobs:
    """What a run may choose."""

    model: str = "lab"
    """Any string that LangChain knows, such as "openai:gpt-4.1"; the embedded model shows the wiring and no more."""
    discriminator: str | None = None
    """The second model; by default the first one."""
    preset: str = "ours"
    domain: str = "any"
    """Whose words the actions have: "any", "maths" or "commonsense"."""
    rollouts: int | None = None
    seed: int = 0
    max_tokens: int | None = None
    completions: int | None = None
    """Most replies to ask for."""
    seconds: float | None = None


def made() -> tuple[Any, AbstractContextManager[Budget]]:
    """The graph of the run's knobs, and its budget."""
    knobs = get_runtime(Knobs).context or Knobs()
    chosen, is_lab = find_preset(knobs.preset), knobs.model == "lab"
    settings = replace(
        chosen,
        grammar=GRAMMARS[knobs.domain],
        rollouts=knobs.rollouts or chosen.rollouts,
        max_tokens=SHORT if is_lab else knobs.max_tokens,
    )
    model = lab_model(temperature=1.0) if is_lab else knobs.model
    graph = create_mutual_reasoning(model, knobs.discriminator, preset=settings, seed=knobs.seed)
    return graph, budget(completions=knobs.completions, seconds=knobs.seconds)


def search(state: Any) -> Any:
    """Search, verify, answer."""
    graph, capped = made()
    with capped:
        return graph.invoke(state)


async def asearch(state: Any) -> Any:
    """The same on the event loop."""
    graph, capped = await asyncio.to_thread(made)  # weights are read
    with capped:
        return await graph.ainvoke(state)


graph: Any = StateGraph(Thinking, context_schema=Knobs, input_schema=Question, output_schema=Answered)
graph.add_node("search", RunnableLambda(search, afunc=asearch, name="search")).add_edge(START, "search")
mutual_reasoning = graph.compile(name="mutual_reasoning")
