"""Every strategy, for `langgraph dev`. Model, knobs and caps come with the run (`context=`); the defaults need no key."""

import inspect
from dataclasses import asdict, dataclass
from typing import Any

from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from langgraph.runtime import get_runtime
from langgraph.types import interrupt

import langdistill
from langdistill import budget
from langdistill.lab import lab_model
from langdistill.questions import Answered, Question, Thinking


@dataclass
class Knobs:
    """What a run may choose."""

    model: str = "lab"
    """The embedded model, or any string that LangChain knows, such as "openai:gpt-4.1"."""
    samples: int = 8
    """Of the strategies that sample."""
    completions: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    """Caps; the best answer so far is given at the cap, and says so."""
    approve: bool = False
    """Whether a human sees the answer first, and may resume with another one."""


def served(create: Any, **given: Any) -> Any:
    """The graph of a strategy that is made when the run's knobs are known."""

    def made() -> Any:
        knobs = get_runtime(Knobs).context or Knobs()
        model = lab_model(max_tokens=160) if knobs.model == "lab" else knobs.model
        samples = {"samples": knobs.samples} if "samples" in inspect.signature(create).parameters else {}
        return create(model, **given, **samples)

    def caps() -> Any:
        knobs = asdict(get_runtime(Knobs).context or Knobs())
        return budget(**{name: knobs[name] for name in ("completions", "tokens", "seconds")})

    def think(state: Any) -> Any:
        with caps():
            return made().invoke(state)

    async def athink(state: Any) -> Any:
        with caps():
            return await made().ainvoke(state)

    def review(state: Any) -> Any:
        if not (get_runtime(Knobs).context or Knobs()).approve:
            return {}
        better = interrupt({"answer": state["answer"], "approve": "Resume with nothing, or with a better answer."})
        return {"messages": [("ai", better)], "answer": better} if isinstance(better, str) and better else {}

    name = create.__name__.removeprefix("create_")
    graph: Any = StateGraph(Thinking, context_schema=Knobs, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("think", RunnableLambda(think, afunc=athink, name="think")), ("review", review)])
    return graph.add_edge(START, "think").compile(name=name)


def settled(one: dict[str, str]) -> float:
    """Scores replies that come to an answer above those that do not, shorter ones first."""
    return float("Answer:" in one["reply"]) - len(one["reply"]) / 10_000


best_of_n = served(langdistill.create_best_of_n, scorer=settled)
branch_solve_merge = served(langdistill.create_branch_solve_merge)
branch_solve_merge_generation = served(langdistill.create_branch_solve_merge_generation)
chain_of_draft = served(langdistill.create_chain_of_draft)
chain_of_thought = served(langdistill.create_chain_of_thought)
least_to_most = served(langdistill.create_least_to_most)
one_step_rephrase_and_respond = served(langdistill.create_one_step_rephrase_and_respond)
rephrase_and_respond = served(langdistill.create_rephrase_and_respond)
self_consistency = served(langdistill.create_self_consistency)
self_refine = served(langdistill.create_self_refine)
system2_attention = served(langdistill.create_system2_attention)
universal_self_consistency = served(langdistill.create_universal_self_consistency)
