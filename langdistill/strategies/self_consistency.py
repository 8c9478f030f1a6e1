"""Self-consistency: sample several reasonings, let their answers vote.

Source: Wang et al., 2203.11171. Eight samples and the vote over final answers are the settings of the distillation paper for
last letters and coin flip (Yu et al., 2407.06023); the original paper draws up to forty.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer, normalise, vote
from langdistill.asking import ask, chat_model, node
from langdistill.prompts import STEP_BY_STEP, fill
from langdistill.questions import Answered, Question, Thinking, conclude, labelled, question_of, turn


class Sampling(Thinking):
    """State of the graph: the sampled answers, in sample order; `None` where a sample holds no answer."""

    candidates: list[str | None]


def create_self_consistency(
    model: str | BaseChatModel | CompiledStateGraph[Any, Any, Any, Any],
    *,
    samples: int = 8,
    temperature: float | None = 0.7,
    prompt: str = STEP_BY_STEP,
    extract: Extract = final_answer,
    name: str = "self_consistency",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that samples and votes on normalised answers.

    A sample without an answer is no vote. A tied lead goes to the answer that was sampled first, by sample index, never by
    arrival.

    Args:
        model: a chat model or its string, asked with `prompt`; or another strategy's graph, which is run `samples` times
            with its own prompts and its own model's temperature.
        samples: how many, at least 1.
        temperature: of each sample (0.7 in the paper's language-model experiments); `None` leaves the model's own.
        prompt: template with the place ``{question}``; ``"{question}"`` alone lets direct answers vote.
        extract: reads the final answer out of a sample.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; `samples` completions of a chat model.
    """
    chat = chat_model(model)
    inner = isinstance(chat, CompiledStateGraph)

    def sample(state: Sampling):
        text = question_of(state) if inner else fill(prompt, question=question_of(state))
        replies = yield ask(chat, turn(state, text), n=samples, candidate=not inner, temperature=temperature)
        return {"candidates": [extract(reply.text) for reply in replies]}

    def elect(state: Sampling):
        return conclude(leader(state["candidates"]))

    graph = StateGraph(Sampling, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("sample", node(sample)), ("vote", node(elect))])
    graph.add_edge(START, "sample")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, samples=samples, temperature=temperature)


def leader(candidates: list[str | None]) -> str | None:
    """The answer with most votes; of a tied lead, the one sampled first."""
    votes = vote(candidates).votes
    most = max(votes.values(), default=0)
    return next((one for one in candidates if one is not None and votes[normalise(one)] == most), None)
