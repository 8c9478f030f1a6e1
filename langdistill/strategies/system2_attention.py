"""System 2 Attention: let a model decide what to attend to, by rewriting its input before it answers.

Source: Weston & Sukhbaatar, 2311.11829. The second call must see nothing of the original text but what the first one kept.
Prompts in own wording.
"""

from __future__ import annotations

import re
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model, node
from langdistill.prompts import fill
from langdistill.questions import Answered, Question, Thinking, conclude_from, labelled, question_of, turn

REGENERATE = (
    "Text by a user: {question}\nExtract the part of the text that is unbiased and not opinion, and the actual question. "
    'Write two lines: one that reads "Context:" and then the unbiased part (or "none"), '
    'one that reads "Question:" and then the question without any opinion.'
)
"""Call 1: rewrite the input into unbiased context and question."""

RESPOND = "{regenerated}\nAnswer without bias."
"""Call 2: nothing of the original text but what call 1 kept (its context, if any, and its question)."""

CONTEXT = re.compile(
    r"^\W*context\b[^:\n]*:\s*(.*?)(?=^\W*question\b[^:\n]*:|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
QUESTION = re.compile(r"^\W*question\b[^:\n]*:\s*(.+)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
"""The two labels, with any gloss between label and colon dropped."""

NOTHING = {"", "none", "none.", "n/a", "(none)"}


class Attending(Thinking):
    """State of the graph."""

    regenerated: str


def create_system2_attention(
    model: str | BaseChatModel,
    *,
    regenerate: str = REGENERATE,
    respond: str = RESPOND,
    temperature: float | None = None,
    extract: Extract = final_answer,
    name: str = "system2_attention",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that rewrites the input without opinion and irrelevance, and answers from the rewritten text alone.

    Args:
        model: a chat model or its string.
        regenerate: template of call 1 with the place ``{question}``.
        respond: template of call 2 with the place ``{regenerated}``.
        temperature: of both calls; the model's own where `None` (the paper: 0.6 with top-p 0.9).
        extract: reads the final answer out of the response.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; two completions.
    """
    chat = chat_model(model)

    def regenerate_context(state: Attending):
        [reply] = yield ask(chat, turn(state, fill(regenerate, question=question_of(state))), temperature=temperature)
        return {"regenerated": attended(reply.text)}

    def respond_without_bias(state: Attending):
        text = fill(respond, regenerated=state["regenerated"])
        [reply] = yield ask(chat, turn(state, text), candidate=True, temperature=temperature)
        return conclude_from(reply, extract)

    graph = StateGraph(Attending, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("regenerate", node(regenerate_context)), ("respond", node(respond_without_bias))])
    graph.add_edge(START, "regenerate")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name)


def attended(rewriting: str) -> str:
    """Context and question of a rewriting without their labels; the whole rewriting where it labels no question."""
    question = QUESTION.search(rewriting)
    if not question:
        return rewriting.strip()
    context = CONTEXT.search(rewriting)
    kept = [part.strip() for part in ((context.group(1) if context else ""), question.group(1))]
    return "\n".join(part for part in kept if part.casefold() not in NOTHING)
