"""Rephrase and Respond, in its two forms: let a model reword and expand the question before it answers.

Source: Deng et al., 2311.04205; as a System-2 method whose answers are distilled: Yu et al., 2407.06023. The second call of the
two-step form sees both questions; with the rephrased one alone it would be another method. Prompts in own wording.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model, without_tools
from langdistill.nodes import step
from langdistill.prompts import ANSWER_LINE, check, fill
from langdistill.questions import (
    Answered,
    Question,
    Thinking,
    answer_of,
    conclude_from,
    labelled,
    question_of,
    said,
    turn,
)

ONE_STEP = "{question}\nFirst rephrase and expand this question, then respond to it. " + ANSWER_LINE
"""One completion holds both the rephrased question and the response."""

REPHRASE = (
    "Question: {question}\nRephrase and expand the question so that it becomes easier to answer. "
    "Keep everything it tells. Write only the new question."
)
"""Call 1 of the two-step form."""

RESPOND = (
    "(original) {question}\n(rephrased) {rephrased}\n"
    "Use the rephrased question to work out the answer to the original question. " + ANSWER_LINE
)
"""Call 2 of the two-step form: it sees both questions."""


class Rephrasing(Thinking):
    """State of the two-step graph."""

    rephrased: str


def create_rephrase_and_respond(
    model: str | BaseChatModel,
    *,
    rephraser: str | BaseChatModel | None = None,
    rephrase: str = REPHRASE,
    respond: str = RESPOND,
    extract: Extract = final_answer,
    name: str = "rephrase_and_respond",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The two-step form: one call rephrases the question, a second sees both questions and answers the original.

    Args:
        model: a chat model or its string; it responds.
        rephraser: the model that rephrases, possibly a stronger one; `None`: the same.
        rephrase: template of call 1 with the place ``{question}``.
        respond: template of call 2 with the places ``{question}`` and ``{rephrased}``.
        extract: reads the final answer out of the response.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; two completions.

    Raises:
        ModelError: the rephrased question came back empty.
        PromptError: a template has other places.
    """
    responder = chat_model(model)
    writer = without_tools(chat_model(rephraser) if rephraser is not None else responder)
    check(rephrase, "question")
    check(respond, "question", "rephrased")

    def rephrase_question(state: Rephrasing):
        [reply] = yield ask(writer, turn(state, fill(rephrase, question=question_of(state))))
        return {"rephrased": said(reply, "rephrase")}

    def respond_to_both(state: Rephrasing):
        text = fill(respond, question=question_of(state), rephrased=state["rephrased"])
        [reply] = yield ask(responder, turn(state, text), candidate=True, heard=answer_of(extract))
        return conclude_from(reply, extract)

    graph = StateGraph(Rephrasing, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("rephrase", step(rephrase_question)), ("respond", step(respond_to_both))])
    graph.add_edge(START, "rephrase")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name)


def create_one_step_rephrase_and_respond(
    model: str | BaseChatModel,
    *,
    prompt: str = ONE_STEP,
    extract: Extract = final_answer,
    name: str = "one_step_rephrase_and_respond",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The one-step form: a single completion rephrases the question and responds to it.

    Args:
        model: a chat model or its string.
        prompt: template with the place ``{question}``.
        extract: reads the final answer out of the reply.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; one completion.

    Raises:
        PromptError: the template has other places.
    """
    responder = chat_model(model)
    check(prompt, "question")

    def rephrase_and_respond(state: Thinking):
        text = fill(prompt, question=question_of(state))
        [reply] = yield ask(responder, turn(state, text), candidate=True, heard=answer_of(extract))
        return conclude_from(reply, extract)

    graph = StateGraph(Thinking, input_schema=Question, output_schema=Answered)
    graph.add_node("respond", step(rephrase_and_respond))
    graph.add_edge(START, "respond")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name)
