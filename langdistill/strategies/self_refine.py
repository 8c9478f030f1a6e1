"""Self-Refine: draft, criticise one's own draft, rewrite it, until there is nothing left to criticise.

Source: Madaan et al., 2303.17651: at most four rounds, feedback that is specific and actionable. Intrinsic self-correction
does not help reasoning (Huang et al., 2310.01798): use it for form and completeness, or with a critic that knows more. Prompts
in own wording.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.nodes import step
from langdistill.prompts import check, fill
from langdistill.questions import (
    Answered,
    Candidate,
    Question,
    Thinking,
    candidate,
    conclude,
    labelled,
    question_of,
    reply_of,
    turn,
)

DONE = "nothing to improve"
"""What feedback says where the draft is good; read without regard to case."""

CRITICISE = (
    "Request: {question}\nDraft: {draft}\nWhat is wrong with the draft or missing from it? Be specific, and say what to do "
    f'about each point. If it is good as it is, write only "{DONE}".'
)
"""Places: the request and the draft."""

REFINE = "Request: {question}\nDraft: {draft}\nFeedback: {feedback}\nWrite the improved response to the request, and nothing else."
"""Places: the request, the draft and the feedback."""


class Refining(Thinking):
    """State of the graph."""

    draft: Candidate
    feedback: str | None
    """`None` once nothing is left to improve."""
    rounds: int


def create_self_refine(
    model: str | BaseChatModel,
    *,
    critic: str | BaseChatModel | None = None,
    rounds: int = 4,
    draft: str = "{question}",
    criticise: str = CRITICISE,
    refine: str = REFINE,
    extract: Extract = final_answer,
    name: str = "self_refine",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that writes a draft and improves it by its own feedback.

    A draft that calls a tool goes out at once. Empty feedback counts as nothing to improve, and an empty rewriting leaves
    the draft as it is; so does a budget that ends.

    Args:
        model: a chat model or its string.
        critic: the model that gives feedback; `None`: the same, as in the paper.
        rounds: most rounds of feedback and rewriting (4 in the paper).
        draft: template of the first call with the place ``{question}``.
        criticise: template with the places ``{question}`` and ``{draft}``.
        refine: template with the places ``{question}``, ``{draft}`` and ``{feedback}``.
        extract: reads `answer` out of the last draft; the message is the whole draft.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; 1 to 1 + 2 x `rounds` completions.

    Raises:
        PromptError: a template has other places.
    """
    chat = chat_model(model)
    writer = without_tools(chat)
    reviewer = without_tools(chat_model(critic)) if critic is not None else writer
    check(draft, "question")
    check(criticise, "question", "draft")
    check(refine, "question", "draft", "feedback")

    def write_draft(state: Refining):
        [reply] = yield ask(chat, turn(state, fill(draft, question=question_of(state))), candidate=True)
        return {"draft": candidate(reply, extract), "rounds": 0}

    def give_feedback(state: Refining):
        text = fill(criticise, question=question_of(state), draft=reply_of(state["draft"]).text)
        try:
            [reply] = yield ask(reviewer, turn(state, text))
        except BudgetSpent:
            return {"feedback": None}
        done = not reply.text.strip() or DONE in reply.text.casefold()
        return {"feedback": None if done else reply.text}

    def rewrite(state: Refining):
        feedback, old = str(state["feedback"]), reply_of(state["draft"]).text
        text = fill(refine, question=question_of(state), draft=old, feedback=feedback)
        again = {"rounds": state["rounds"] + 1}
        try:
            [reply] = yield ask(writer, turn(state, text), refinement=True)
        except BudgetSpent:
            return again
        return again | ({"draft": candidate(reply, extract)} if reply.text.strip() else {})

    def present(state: Refining):
        last = state["draft"]
        return conclude(reply_of(last), last["answer"], whole=True)

    def after_draft(state: Refining):
        finished = reply_of(state["draft"]).tool_calls or state["rounds"] >= rounds
        return "present" if finished else "criticise"

    def after_feedback(state: Refining):
        return "present" if state["feedback"] is None else "rewrite"

    graph = StateGraph(Refining, input_schema=Question, output_schema=Answered)
    for node_name, body in (
        ("write", write_draft),
        ("criticise", give_feedback),
        ("rewrite", rewrite),
        ("present", present),
    ):
        graph.add_node(node_name, step(body))
    graph.add_edge(START, "write")
    graph.add_conditional_edges("write", after_draft, ["criticise", "present"])
    graph.add_conditional_edges("criticise", after_feedback, ["rewrite", "present"])
    graph.add_conditional_edges("rewrite", after_draft, ["criticise", "present"])
    graph.add_edge("present", END)
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, rounds=rounds)
