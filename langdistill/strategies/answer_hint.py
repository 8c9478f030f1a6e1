"""Generation with an answer hint: the teacher is told the gold answer and explains how one arrives there.

Source: Magister et al., 2212.08410: a teacher that is told the answer gives more usable rationales, of which those that end in
the right answer are kept; the student never sees the hint. Wording of the prompts is our own. Supervised: it reads gold answers.
Demonstrations may state the answer before the reasoning, as the CoT Collection's do (Kim et al., 2305.14045).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer, number
from langdistill.asking import ask, chat_model
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

SOLVED = "{reasoning}\nAnswer: {answer}"
"""How a demonstration's solution is written: reasoning first, then the line that asks for the answer."""


class Demonstration(NamedTuple):
    """A solved question that the teacher is shown."""

    question: str
    reasoning: str
    answer: str


class Explaining(Thinking):
    """State of the graph: the explanations, in sample order."""

    candidates: list[Candidate]


def not_a_number(answer: str) -> bool:
    """Whether an answer is none of arithmetic: with the answer stated first, a teacher does not calculate, it makes steps up."""
    return number(answer) is None


def create_answer_hint(
    model: str | BaseChatModel,
    *,
    answer_of: Callable[[str], str | None],
    samples: int = 1,
    temperature: float | None = None,
    demonstrations: Sequence[Demonstration] = (),
    label_first: Callable[[str], bool] = not_a_number,
    prompt: str = HINTED,
    hint: str = ANSWER_HINT,
    unhinted: str = STEP_BY_STEP,
    extract: Extract = final_answer,
    name: str = "answer_hint",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that explains the gold answer: teaching material, never a way to answer. Supervised.

    Every sample is a candidate and bears the words of the hint in its metadata (`Call.hint` in traces), so that a harvest knows
    what must be in no row; the filter `no_hint` proves it, and `correct` keeps what ends in the right answer. The graph concludes
    with the first sample that arrives at the gold answer, else with the first.

    Args:
        model: a chat model or its string.
        answer_of: the gold answer of a question (the text of the user's last message), such as the `get` of a mapping; `None`
            for one that it does not know, which is asked without a hint and without its mark.
        samples: how many explanations, at least 1.
        temperature: of each sample; `None` leaves the model's own.
        demonstrations: solved questions, shown before the question (8 in the paper).
        label_first: from the gold answer to whether each demonstration states its own answer before its reasoning. By default
            not where the answer is a number: stated first, it is copied, and the arithmetic is not done.
        prompt: template with the places ``{question}`` and ``{hint}``.
        hint: template with the place ``{answer}``. Word it so that no honest solution would say the same.
        unhinted: template with the place ``{question}``: of a question without a gold answer, and of demonstrations without theirs
            in front.
        extract: reads the final answer out of a sample.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; `samples` completions.

    Raises:
        ModelError: `samples` is below 1.
        PromptError: a template has other places.
    """
    chat = chat_model(model)
    check(prompt, "question", "hint")
    check(hint, "answer")
    check(unhinted, "question")
    ask(chat, "", n=samples)  # fails here and not in the first run

    def asked(question: str, told: str | None) -> str:
        return fill(unhinted, question=question) if told is None else fill(prompt, question=question, hint=told)

    def shown(one: Demonstration, gold: str | None) -> str:
        told = fill(hint, answer=one.answer) if gold is not None and label_first(gold) else None
        solution = fill(SOLVED, reasoning=one.reasoning, answer=one.answer)
        return f"{asked(one.question, told)}\n{solution}"

    def explain(state: Explaining):
        question = question_of(state)
        gold = answer_of(question)
        told = None if gold is None else fill(hint, answer=gold)
        text = "\n\n".join([*(shown(one, gold) for one in demonstrations), asked(question, told)])
        replies = yield ask(
            chat, turn(state, text), n=samples, first=0, candidate=True, hint=told, temperature=temperature
        )
        return {"candidates": [candidate(reply, extract) for reply in replies]}

    def choose(state: Explaining):
        gold = answer_of(question_of(state))
        right = [one for one in state["candidates"] if arrives_at(gold, one)]
        chosen = (right or state["candidates"])[0]
        return conclude(reply_of(chosen), chosen["answer"])

    graph = StateGraph(Explaining, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("explain", step(explain)), ("choose", step(choose))])
    graph.add_edge(START, "explain")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, samples=samples, temperature=temperature)
