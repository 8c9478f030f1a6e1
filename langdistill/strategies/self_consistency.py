"""Self-consistency: sample several reasonings, let their answers vote.

Source: Wang et al., 2203.11171. Eight samples and the vote over final answers are the settings of the distillation paper for
last letters and coin flip (Yu et al., 2407.06023); the original paper draws up to forty. When to stop early is a rule of
`langdistill.votes`: `adaptive_consistency` (Aggarwal et al., 2305.11860), `early_stopping` (Li et al., 2401.10480). Votes may be
weighted by the model's own confidence (CISC: Taubenfeld et al., 2502.06233).
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.confidence import Confidence, softmax
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
    turn,
)
from langdistill.sampling import sampler
from langdistill.votes import Stop, fixed, leader


class Sampling(Thinking):
    """State of the graph: the sampled replies, in sample order, and their weights where votes are weighted."""

    candidates: list[Candidate]
    weights: list[float]


def create_self_consistency(
    model: str | BaseChatModel | CompiledStateGraph[Any, Any, Any, Any],
    *,
    samples: int = 8,
    stop: Stop = fixed,
    confidence: Confidence | None = None,
    temperature: float | None = 0.7,
    prompt: str = STEP_BY_STEP,
    extract: Extract = final_answer,
    name: str = "self_consistency",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that samples and votes on normalised answers.

    A sample without an answer is no vote. A tied lead goes to the answer that was sampled first, by sample index, never by
    arrival. Samples that call tools vote for the call, by name and arguments. Where nobody votes, the first reply stands.

    Args:
        model: a chat model or its string, asked with `prompt`; or another strategy's graph, which is run `samples` times
            with its own prompts and its own model's temperature.
        samples: how many at most, at least 1.
        stop: when fewer are enough: `votes.fixed` draws all; `votes.adaptive_consistency()` and `votes.early_stopping()`
            look at the answers so far (both papers cap at 40 samples).
        confidence: weighs every vote by the model's confidence in it, softmaxed within the question: `confidence.p_true`,
            `confidence.verbal` or `confidence.sequence_probability`; `None` counts every vote once.
        temperature: of each sample (0.7 in the paper's language-model experiments); `None` leaves the model's own.
        prompt: template with the place ``{question}``; ``"{question}"`` alone lets direct answers vote.
        extract: reads the final answer out of a sample.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; at most `samples` completions of a chat model, and as
        many again for a confidence that is asked for.

    Raises:
        ModelError: `samples` is below 1.
        PromptError: the template has other places.
    """
    chat = chat_model(model)
    thinker = without_tools(chat)
    sample = sampler(chat, samples=samples, temperature=temperature, prompt=prompt, extract=extract, stop=stop)

    def weigh(state: Sampling):
        assert confidence is not None
        voting = [reply_of(one) for one in state["candidates"]]
        told = voting
        if confidence.prompt:
            about = [confidence.about(question_of(state), reply) for reply in voting]
            try:
                told = yield [ask(thinker, turn(state, one), **confidence.params) for one in about]
            except BudgetSpent:  # every vote counts once
                return {"weights": []}
            told = [found[0] if found else None for found in told]
        return {"weights": softmax([confidence.read(one) if one else None for one in told], confidence.temperature)}

    def elect(state: Sampling):
        votes = [one["vote"] for one in state["candidates"]]
        at = leader(votes, state.get("weights") or None)
        winner = state["candidates"][at or 0]
        return conclude(reply_of(winner), winner["answer"])

    graph = StateGraph(Sampling, input_schema=Question, output_schema=Answered)
    steps: list[Any] = [("sample", step(sample)), ("weigh", step(weigh)), ("vote", step(elect))]
    graph.add_sequence([one for one in steps if confidence or one[0] != "weigh"])
    graph.add_edge(START, "sample")
    params = {"samples": samples, "stop": stop.name, "confidence": confidence and confidence.name}
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, **params, temperature=temperature)
