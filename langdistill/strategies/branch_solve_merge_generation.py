"""Branch-Solve-Merge as a writer: split a request into parts, write each on its own, merge them into one text.

Source: Saha et al., 2310.15123, section 4 (constrained story generation: two groups of concepts, a story each, one merged
story). Prompts in own wording.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, free_text
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.nodes import step
from langdistill.prompts import check, fill
from langdistill.questions import (
    Answered,
    Question,
    Thinking,
    conclude_from,
    labelled,
    listed,
    question_of,
    said,
    turn,
    whole_reply,
)

BRANCH = (
    "Request: {request}\nSplit this request into {limit} smaller requests that together cover all that it asks for. "
    "Write one a line, each complete in itself, and nothing else."
)
"""Places: the request, and how many parts."""

SOLVE = "{part}"
"""Place: one part of the request."""

MERGE = (
    "Request: {request}\nThese texts were written for parts of the request:\n{solved}\n"
    "Merge them into one response to the whole request. Keep everything that the request asks for. Write only the response."
)
"""Places: the request, and the numbered texts."""


class Writing(Thinking):
    """State of the graph."""

    parts: list[str]
    solved: list[str]


def create_branch_solve_merge_generation(
    model: str | BaseChatModel,
    *,
    limit: int = 2,
    branch: str = BRANCH,
    solve: str = SOLVE,
    merge: str = MERGE,
    temperature: float | None = None,
    extract: Extract = free_text,
    name: str = "branch_solve_merge_generation",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that writes the parts of a response side by side and merges them with the model.

    A part that fails or comes back empty is left out of the merge. Where the budget leaves nothing for the merge, the parts
    stand one below the other.

    Args:
        model: a chat model or its string; tools bound to it are offered to the merge alone.
        limit: how many parts (2 in the paper's story task).
        branch: template with the places ``{request}`` and ``{limit}``.
        solve: template with the place ``{part}``.
        merge: template with the places ``{request}`` and ``{solved}``.
        temperature: of every call; the model's own where `None` (the paper decodes greedily).
        extract: reads `answer` out of the merged text; by default all of it.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; 2 + parts completions.

    Raises:
        ModelError: the parts of the request, or all texts for them, came back empty.
        PromptError: a template has other places.
    """
    chat = chat_model(model)
    writer = without_tools(chat)
    check(branch, "request", "limit")
    check(solve, "part")
    check(merge, "request", "solved")

    def split(state: Writing):
        text = fill(branch, request=question_of(state), limit=str(limit))
        [reply] = yield ask(writer, turn(state, text), temperature=temperature)
        return {"parts": listed(reply, "branch", limit)}

    def write_each(state: Writing):
        prompts = [fill(solve, part=part) for part in state["parts"]]
        replies = yield [ask(writer, turn(state, prompt), temperature=temperature) for prompt in prompts]
        return {"solved": [found[0].text.strip() for found in replies if found and found[0].text.strip()]}

    def merge_all(state: Writing):
        solved = "\n\n".join(f"{number}. {text}" for number, text in enumerate(state["solved"], 1))
        said_parts = AIMessage("\n\n".join(state["solved"]))
        said(said_parts, "solve")
        text = fill(merge, request=question_of(state), solved=solved)
        try:
            [reply] = yield ask(chat, turn(state, text), candidate=True, heard=whole_reply, temperature=temperature)
        except BudgetSpent:
            reply = said_parts
        return conclude_from(reply, extract, whole=True)

    graph = StateGraph(Writing, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("branch", step(split)), ("solve", step(write_each)), ("merge", step(merge_all))])
    graph.add_edge(START, "branch")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, limit=limit)
