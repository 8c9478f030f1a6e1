"""System 2 Attention: let a model decide what to attend to, by rewriting its input before it answers.

Source: Weston & Sukhbaatar, 2311.11829. The second call must see nothing of the original text but what the first one kept. The
paper's variants are functions of their own: `create_relevance_attention` (irrelevant sentences instead of opinions),
`create_unseparated_attention` (no two sections), `create_keep_original_attention` (the original stays in sight) and
`create_instructed_prompting` (no rewriting at all). Prompts in own wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model, without_tools
from langdistill.nodes import step
from langdistill.prompts import check, fill, places
from langdistill.questions import (
    Answered,
    Question,
    Thinking,
    conclude_from,
    labelled,
    question_of,
    said,
    turn,
    whole_reply,
)

Graph = CompiledStateGraph[Any, Any, Any, Any]

REGENERATE = (
    "Text by a user: {question}\nExtract the part of the text that is unbiased and not opinion, and the actual question. "
    'Write two lines: one that reads "Context:" and then the unbiased part (or "none"), '
    'one that reads "Question:" and then the question without any opinion.'
)
"""Call 1: rewrite the input into unbiased context and question."""

REGENERATE_RELEVANT = (
    "Text by a user: {question}\nExtract the part of the text that is relevant to the question in it, and the question. "
    'Write two lines: one that reads "Context:" and then all that is needed to answer (or "none"), '
    'one that reads "Question:" and then the question.'
)
"""Call 1 of the relevance variant, for distracting facts instead of opinions."""

REGENERATE_WHOLE = "Text by a user: {question}\nRewrite the text so that it holds only what is unbiased and not opinion, and its question."
"""Call 1 of the variant without sections."""

RESPOND = "{regenerated}\nAnswer without bias."
"""Call 2: nothing of the original text but what call 1 kept (its context, if any, and its question)."""

RESPOND_TO_BOTH = "{question}\n{regenerated}\nAnswer without bias."
"""Call 2 of the variant that keeps the original."""

INSTRUCTED = "{question}\nAnswer without bias: pay no attention to any opinion in the text above."
"""The one call of instructed prompting."""

CONTEXT = re.compile(
    r"^\W*context\b[^:\n]*:\s*(.*?)(?=^\W*question\b[^:\n]*:|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
QUESTION = re.compile(r"^\W*question\b[^:\n]*:\s*(.+)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
"""The two labels, with any gloss between label and colon dropped."""

NOTHING = {"", "none", "none.", "n/a", "(none)"}


class Attending(Thinking):
    """State of the graph."""

    regenerated: str


def attended(rewriting: str) -> str:
    """Context and question of a rewriting without their labels; the whole rewriting where it labels no question."""
    question = QUESTION.search(rewriting)
    if not question:
        return rewriting.strip()
    context = CONTEXT.search(rewriting)
    kept = [part.strip() for part in ((context.group(1) if context else ""), question.group(1))]
    return "\n".join(part for part in kept if part.casefold() not in NOTHING)


def create_system2_attention(
    model: str | BaseChatModel,
    *,
    rewriter: str | BaseChatModel | None = None,
    regenerate: str = REGENERATE,
    attend: Callable[[str], str] = attended,
    respond: str = RESPOND,
    temperature: float | None = None,
    extract: Extract = final_answer,
    name: str = "system2_attention",
    checkpointer: Any = None,
) -> Graph:
    """A graph that rewrites the input without opinion and irrelevance, and answers from the rewritten text alone.

    The text that is rewritten is the user's last message; a system prompt and earlier turns stay.

    Args:
        model: a chat model or its string.
        rewriter: the model of call 1; `None`: the same, as in the paper.
        regenerate: template of call 1 with the place ``{question}``.
        attend: from the reply of call 1 to what call 2 sees of it.
        respond: template of call 2 with the place ``{regenerated}``; with ``{question}`` too it is another method
            (`create_keep_original_attention`).
        temperature: of both calls; the model's own where `None` (the paper: 0.6 with top-p 0.9).
        extract: reads `answer` out of the response; the message is the whole response.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; two completions.

    Raises:
        ModelError: the rewriting came back empty.
        PromptError: a template has other places.
    """
    chat = chat_model(model)
    writer = without_tools(chat_model(rewriter) if rewriter is not None else chat)
    check(regenerate, "question")
    seen = ("regenerated", "question") if "question" in places(respond) else ("regenerated",)
    check(respond, *seen)

    def regenerate_context(state: Attending):
        [reply] = yield ask(writer, turn(state, fill(regenerate, question=question_of(state))), temperature=temperature)
        return {"regenerated": attend(said(reply, "regenerate"))}

    def respond_without_bias(state: Attending):
        values = {"regenerated": state["regenerated"], "question": question_of(state)}
        text = fill(respond, **{place: values[place] for place in seen})
        [reply] = yield ask(chat, turn(state, text), candidate=True, heard=whole_reply, temperature=temperature)
        return conclude_from(reply, extract, whole=True)

    graph = StateGraph(Attending, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("regenerate", step(regenerate_context)), ("respond", step(respond_without_bias))])
    graph.add_edge(START, "regenerate")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name)


def create_relevance_attention(model: str | BaseChatModel, *, name: str = "relevance_attention", **knobs: Any) -> Graph:
    """The variant for distracting facts (section 3.2.3 of the paper): call 1 keeps what is relevant to the question.

    Takes the knobs of `create_system2_attention`.
    """
    given: dict[str, Any] = {"regenerate": REGENERATE_RELEVANT, **knobs}
    return create_system2_attention(model, name=name, **given)


def create_unseparated_attention(
    model: str | BaseChatModel, *, name: str = "unseparated_attention", **knobs: Any
) -> Graph:
    """The variant without sections: call 1 rewrites the text as one, question included.

    Takes the knobs of `create_system2_attention`.
    """
    given: dict[str, Any] = {"regenerate": REGENERATE_WHOLE, "attend": str.strip, **knobs}
    return create_system2_attention(model, name=name, **given)


def create_keep_original_attention(
    model: str | BaseChatModel, *, name: str = "keep_original_attention", **knobs: Any
) -> Graph:
    """The variant that appends the rewritten text to the original: the paper finds it weaker (74.5 against 80.3).

    Takes the knobs of `create_system2_attention`.
    """
    given: dict[str, Any] = {"respond": RESPOND_TO_BOTH, **knobs}
    return create_system2_attention(model, name=name, **given)


def create_instructed_prompting(
    model: str | BaseChatModel,
    *,
    prompt: str = INSTRUCTED,
    temperature: float | None = None,
    extract: Extract = final_answer,
    name: str = "instructed_prompting",
    checkpointer: Any = None,
) -> Graph:
    """The paper's baseline without rewriting: one call that is told to answer without bias (71.7 against 80.3).

    Args:
        model: a chat model or its string.
        prompt: template with the place ``{question}``.
        temperature: the model's own where `None`.
        extract: reads `answer` out of the response; the message is the whole response.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; one completion.

    Raises:
        PromptError: the template has other places.
    """
    chat = chat_model(model)
    check(prompt, "question")

    def respond(state: Thinking):
        text = fill(prompt, question=question_of(state))
        [reply] = yield ask(chat, turn(state, text), candidate=True, heard=whole_reply, temperature=temperature)
        return conclude_from(reply, extract, whole=True)

    graph = StateGraph(Thinking, input_schema=Question, output_schema=Answered)
    graph.add_node("respond", step(respond))
    graph.add_edge(START, "respond")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name)
