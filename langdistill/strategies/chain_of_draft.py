"""Chain of Draft: reason in drafts of a few words a step, as one would on scrap paper, and answer.

Source: Xu et al., 2502.18600: at most five words a step. Prompt in own wording.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model
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
    turn,
)

DRAFT = "{question}\nThink step by step, but write only a draft of at most {words} words for each step. " + ANSWER_LINE
"""Places: the question, and the most words of a step."""


def create_chain_of_draft(
    model: str | BaseChatModel,
    *,
    words: int = 5,
    prompt: str = DRAFT,
    extract: Extract = final_answer,
    name: str = "chain_of_draft",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that thinks in terse drafts and answers: chain of thought at a fraction of its tokens.

    Args:
        model: a chat model or its string.
        words: most words of a step (5 in the paper).
        prompt: template with the places ``{question}`` and ``{words}``.
        extract: reads the final answer out of the reply.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; one completion.

    Raises:
        PromptError: the template has other places.
    """
    chat = chat_model(model)
    check(prompt, "question", "words")

    def draft(state: Thinking):
        text = fill(prompt, question=question_of(state), words=str(words))
        [reply] = yield ask(chat, turn(state, text), candidate=True, heard=answer_of(extract))
        return conclude_from(reply, extract)

    graph = StateGraph(Thinking, input_schema=Question, output_schema=Answered)
    graph.add_node("draft", step(draft))
    graph.add_edge(START, "draft")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, words=words)
