"""Rationalisation: reason, and where the answer is wrong, reason again towards the gold answer.

Source: STaR (Zelikman et al., 2203.14465): what is right is kept, what is wrong is generated once more with the answer as a
hint, and of that again what is right; the hint is in no training text. Wording of the prompts is our own. Supervised: it reads
gold answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NotRequired

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.nodes import step
from langdistill.prompts import ANSWER_HINT, HINTED, STEP_BY_STEP, check, fill
from langdistill.questions import (
    Answered,
    Candidate,
    Question,
    Thinking,
    arrives_at,
    candidate,
    conclude,
    labelled,
    question_of,
    reply_of,
    turn,
)


class Rationalising(Thinking):
    """State of the graph: what was reasoned without the hint, and what with it."""

    draft: Candidate
    rationalised: NotRequired[Candidate | None]


def create_rationalization(
    model: str | BaseChatModel,
    *,
    answer_of: Callable[[str], str | None],
    prompt: str = STEP_BY_STEP,
    hinted: str = HINTED,
    hint: str = ANSWER_HINT,
    extract: Extract = final_answer,
    name: str = "rationalization",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that reasons without a hint and, only where that ends in another answer than the gold one, again with it. Supervised.

    The message at the end is the whole reply that is right: the first, else the one with the hint. Where neither is right it is the
    first, and the filter `correct` drops it. The call with the hint bears its words in its metadata (`Call.hint` in traces), so that
    a harvest knows what must be in no row; the filter `no_hint` proves it. A budget that leaves nothing for the second reply, and a
    reply that calls tools, leave the first.

    Args:
        model: a chat model or its string: the student of the last iteration, in the paper.
        answer_of: the gold answer of a question (the text of the user's last message), such as the `get` of a mapping; `None`
            for one that it does not know: its first reply stands.
        prompt: template of the first call with the place ``{question}``; the paper's has demonstrations in it.
        hinted: template of the second call with the places ``{question}`` and ``{hint}``.
        hint: template with the place ``{answer}``. Word it so that no honest solution would say the same.
        extract: reads the final answer out of a reply.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; 1 or 2 completions.

    Raises:
        PromptError: a template has other places.
    """
    chat = chat_model(model)
    explainer = without_tools(chat)
    check(prompt, "question")
    check(hinted, "question", "hint")
    check(hint, "answer")

    def reason(state: Rationalising):
        [reply] = yield ask(chat, turn(state, fill(prompt, question=question_of(state))))
        return {"draft": candidate(reply, extract), "rationalised": None}

    def rationalise(state: Rationalising):
        question = question_of(state)
        told = fill(hint, answer=str(answer_of(question)))
        text = fill(hinted, question=question, hint=told)
        try:
            [reply] = yield ask(explainer, turn(state, text), hint=told)
        except BudgetSpent:
            return {"rationalised": None}
        return {"rationalised": candidate(reply, extract)}

    def present(state: Rationalising):
        again, chosen = state.get("rationalised"), state["draft"]
        if again is not None and arrives_at(answer_of(question_of(state)), again):
            chosen = again
        return conclude(reply_of(chosen), chosen["answer"], whole=True)

    def after_reason(state: Rationalising):
        draft, gold = state["draft"], answer_of(question_of(state))
        stands = gold is None or reply_of(draft).tool_calls or arrives_at(gold, draft)
        return "present" if stands else "rationalise"

    graph = StateGraph(Rationalising, input_schema=Question, output_schema=Answered)
    for node_name, body in (("reason", reason), ("rationalise", rationalise), ("present", present)):
        graph.add_node(node_name, step(body))
    graph.add_edge(START, "reason")
    graph.add_conditional_edges("reason", after_reason, ["rationalise", "present"])
    graph.add_edge("rationalise", "present")
    graph.add_edge("present", END)
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name)
