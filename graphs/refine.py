"""ART, for `langgraph dev`: a question in, the trusted answer out. Model, asker, truster and threshold come with the run (`context=`)."""

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import Any

from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.runtime import get_runtime

from langdistill import create_ask_refine_trust
from langdistill.lab import lab_model
from langdistill.questions import Answered, Question, Thinking
from langdistill.refining.askers.always import always
from langdistill.refining.askers.never import never
from langdistill.refining.askers.trained import trained
from langdistill.refining.askers.zero_shot import zero_shot
from langdistill.refining.trusters.judge import judge
from langdistill.refining.trusters.most_recent import most_recent
from langdistill.refining.trusters.ranker import ranker
from langdistill.students.card import read_student


@dataclass
class Knobs:
    """What a run may choose."""

    model: str = "lab"
    """The embedded model, which shows the wiring and no more, or any string that LangChain knows, such as "openai:gpt-4.1"."""
    asker: str = "zero_shot"
    """"zero_shot", "always" or "never"; or the model string of a trained one, such as "local:students/asker/v1"."""
    truster: str = "judge"
    """"judge" or "most_recent"; or the folder of a trained ranker, such as "students/truster/v1"."""
    threshold: float = 0.5
    """The doubt from which an answer is refined; `langdistill art evaluate` recommends one."""


@cache
def scorer(folder: str) -> Any:
    """The ranker of a folder, loaded once."""
    return read_student(folder).scorer()


def made() -> Any:
    """The graph of the run's knobs."""
    knobs = get_runtime(Knobs).context or Knobs()
    model = lab_model(max_tokens=160) if knobs.model == "lab" else knobs.model
    askers = {"zero_shot": lambda: zero_shot(model), "always": always, "never": never}
    trusters = {"judge": lambda: judge(model), "most_recent": most_recent}
    asker = askers.get(knobs.asker, lambda: trained(knobs.asker))()
    truster = trusters.get(knobs.truster, lambda: ranker(scorer(knobs.truster)))()
    return create_ask_refine_trust(model, asker=asker, truster=truster, threshold=knobs.threshold)


def refine(state: Any) -> Any:
    """Ask, refine, trust."""
    return made().invoke(state)


async def arefine(state: Any) -> Any:
    """The same on the event loop."""
    return await (await asyncio.to_thread(made)).ainvoke(state)  # weights are read


graph: Any = StateGraph(Thinking, context_schema=Knobs, input_schema=Question, output_schema=Answered)
graph.add_node("refine", RunnableLambda(refine, afunc=arefine, name="refine")).add_edge(START, "refine")
ask_refine_trust = graph.compile(name="ask_refine_trust")
