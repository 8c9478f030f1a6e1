"""Zero-shot chain of thought: one call that reasons and ends in an answer line.

Source: Kojima et al., 2205.11916; as a System-2 method whose answers are distilled: Yu et al., 2407.06023, section 4.5.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer
from langdistill.asking import ask, chat_model
from langdistill.nodes import step
from langdistill.prompts import STEP_BY_STEP, check, fill
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


def create_chain_of_thought(
    model: str | BaseChatModel,
    *,
    prompt: str = STEP_BY_STEP,
    extract: Extract = final_answer,
    name: str = "chain_of_thought",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that thinks step by step and answers.

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
    chat = chat_model(model)
    check(prompt, "question")

    def think(state: Thinking):
        text = fill(prompt, question=question_of(state))
        [reply] = yield ask(chat, turn(state, text), candidate=True, heard=answer_of(extract))
        return conclude_from(reply, extract)

    graph = StateGraph(Thinking, input_schema=Question, output_schema=Answered)
    graph.add_node("think", step(think))
    graph.add_edge(START, "think")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name)
