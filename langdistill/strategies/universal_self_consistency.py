"""Universal Self-Consistency: sample several replies, let the model name the one most consistent with the others.

Source: Chen et al., 2311.17311: the vote for free text, where answers cannot be compared as strings; the voter that the
distillation paper needs for System 2 Attention (Yu et al., 2407.06023). Prompt in own wording.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.answers import selection as selection_of
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.nodes import step
from langdistill.prompts import SELECT, check, fill
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


class Selecting(Thinking):
    """State of the graph: the sampled replies, in sample order."""

    candidates: list[Candidate]


def create_universal_self_consistency(
    model: str | BaseChatModel | CompiledStateGraph[Any, Any, Any, Any],
    *,
    samples: int = 8,
    temperature: float | None = 0.7,
    prompt: str = "{question}",
    voter: str | BaseChatModel | None = None,
    select: str = SELECT,
    extract: Extract = final_answer,
    name: str = "universal_self_consistency",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that samples free text and concludes with the sample that a model finds most consistent with the rest.

    A selection that cannot be read, or a budget that leaves nothing for it, goes to the first sample. The numbers that the
    voter sees are sample indices, so its choice does not depend on arrival. Samples that call tools are shown by their call.

    Args:
        model: a chat model or its string, asked with `prompt`; or another strategy's graph, run `samples` times.
        samples: how many, at least 1 (8 in the paper).
        temperature: of each sample; `None` leaves the model's own.
        prompt: template of a sample with the place ``{question}``.
        voter: the model that selects; `None`: the same, needed where `model` is a graph.
        select: template with the places ``{question}`` and ``{responses}``.
        extract: reads `answer` out of the selected sample; the message is the whole sample.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; `samples` + 1 completions of a chat model.

    Raises:
        ModelError: `samples` is below 1.
        PromptError: a template has other places.
    """
    chat = chat_model(model)
    selector = without_tools(chat_model(voter) if voter is not None else chat)
    check(select, "question", "responses")
    sample = sampler(chat, samples=samples, temperature=temperature, prompt=prompt, extract=extract)

    def elect(state: Selecting):
        replies = [reply_of(one) for one in state["candidates"]]
        at = 0
        if len(replies) > 1:
            shown = "\n\n".join(f"Response {number}: {_shown(reply)}" for number, reply in enumerate(replies, 1))
            text = fill(select, question=question_of(state), responses=shown)
            try:
                [reply] = yield ask(selector, turn(state, text), temperature=0.0)
                at = selection_of(reply.text, len(replies)) or 0
            except BudgetSpent:
                pass
        return conclude(replies[at], state["candidates"][at]["answer"], whole=True)

    graph = StateGraph(Selecting, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("sample", step(sample)), ("vote", step(elect))])
    graph.add_edge(START, "sample")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, samples=samples, temperature=temperature)


def _shown(reply: Any) -> str:
    calls = [f"calls {call['name']} with {call['args']}" for call in reply.tool_calls]
    return "\n".join([reply.text.strip(), *calls]).strip()
