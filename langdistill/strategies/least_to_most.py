"""Least-to-Most: break the question into simpler ones, answer them in order, each with the earlier answers in sight.

Source: Zhou et al., 2205.10625. The paper shows examples of the decomposition; the prompts here are zero-shot, in own wording.
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
    listed,
    question_of,
    said,
    turn,
)

DECOMPOSE = (
    "Question: {question}\nTo answer it, which simpler questions have to be answered first? "
    "Write at most {limit} of them, one a line, the simplest first, and nothing else."
)
"""Places: the question, and the most sub-questions."""

SOLVE = "{question}\n{solved}\nQuestion: {subquestion}\nAnswer this question in one or two sentences."
"""Places: the whole question, what has been answered of it so far, and the sub-question."""

CONCLUDE = "{solved}\nQuestion: {question}\nUse what has been worked out above. " + ANSWER_LINE
"""Places: the whole question and all that has been answered of it."""


class Decomposing(Thinking):
    """State of the graph."""

    subquestions: list[str]
    subanswers: list[str]


def create_least_to_most(
    model: str | BaseChatModel,
    *,
    limit: int = 5,
    decompose: str = DECOMPOSE,
    solve: str = SOLVE,
    conclusion: str = CONCLUDE,
    extract: Extract = final_answer,
    name: str = "least_to_most",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that answers simpler questions first, one after the other, and then the question itself.

    Args:
        model: a chat model or its string; tools bound to it are offered to the last call alone.
        limit: most sub-questions.
        decompose: template with the places ``{question}`` and ``{limit}``.
        solve: template with the places ``{question}``, ``{solved}`` and ``{subquestion}``.
        conclusion: template with the places ``{question}`` and ``{solved}``.
        extract: reads the final answer out of the last reply.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; 2 + sub-questions completions.

    Raises:
        ModelError: a sub-question came back with an empty answer.
        PromptError: a template has other places.
    """
    chat = chat_model(model)
    thinker = without_tools(chat)
    check(decompose, "question", "limit")
    check(solve, "question", "solved", "subquestion")
    check(conclusion, "question", "solved")

    def break_down(state: Decomposing):
        text = fill(decompose, question=question_of(state), limit=str(limit))
        [reply] = yield ask(thinker, turn(state, text))
        return {"subquestions": listed(reply, "decompose", limit), "subanswers": []}

    def solve_in_order(state: Decomposing):
        answers: list[str] = []
        for subquestion in state["subquestions"]:
            solved = _solved(state["subquestions"], answers)
            text = fill(solve, question=question_of(state), solved=solved, subquestion=subquestion)
            [reply] = yield ask(thinker, turn(state, text))
            answers.append(said(reply, "solve").strip())
        return {"subanswers": answers}

    def answer_all(state: Decomposing):
        solved = _solved(state["subquestions"], state["subanswers"])
        text = fill(conclusion, question=question_of(state), solved=solved)
        [reply] = yield ask(chat, turn(state, text), candidate=True, heard=answer_of(extract))
        return conclude_from(reply, extract)

    graph = StateGraph(Decomposing, input_schema=Question, output_schema=Answered)
    steps: list[Any] = [
        ("decompose", step(break_down)),
        ("solve", step(solve_in_order)),
        ("conclude", step(answer_all)),
    ]
    graph.add_sequence(steps)
    graph.add_edge(START, "decompose")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, limit=limit)


def _solved(subquestions: list[str], answers: list[str]) -> str:
    return "\n".join(f"Question: {one}\nAnswer: {answer}" for one, answer in zip(subquestions, answers, strict=False))
