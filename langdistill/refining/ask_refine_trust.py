"""ART: a first answer, doubts about it, a refinement where they are strong enough, and trust in the better of the two.

Source: Shridhar et al., 2311.07961. A small asker decides what is refined, for refining everything makes answers worse; a truster
scores both answers, for a refinement is not better because it is later. Prompts in own wording.
"""

from __future__ import annotations

from typing import Any, NotRequired

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer, same
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.errors import ModelError
from langdistill.nodes import step
from langdistill.prompts import ANSWER_LINE, STEP_BY_STEP, check, fill
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
from langdistill.refining.askers.zero_shot import zero_shot
from langdistill.refining.doubting import Asker
from langdistill.refining.trusters.judge import judge
from langdistill.refining.trusting import Truster

REFINE = (
    "Question: {question}\n\nA first answer:\n{reply}\n\n{hints}The first answer may be wrong. Answer the question again, step by step. "
    + ANSWER_LINE
)
"""Places: the question, the first answer, and what is known besides: sub-questions and facts, or nothing."""

Model = str | BaseChatModel | CompiledStateGraph[Any, Any, Any, Any]


class Refining(Thinking):
    """State of the graph."""

    first: Candidate
    questions: list[str]
    """What the asker asked."""
    doubt: float | None
    """How likely the first answer is to be wrong; `None` where the asker did not decide."""
    facts: NotRequired[list[str]]
    refined: NotRequired[Candidate]
    scores: NotRequired[list[float]]
    """Of the first answer and of the refined one."""
    trusted: str
    """"first" or "refined"."""


def create_ask_refine_trust(
    model: str | BaseChatModel,
    *,
    initial: Model | None = None,
    asker: Asker | None = None,
    truster: Truster | None = None,
    threshold: float = 0.5,
    retriever: Runnable[str, Any] | None = None,
    prompt: str = STEP_BY_STEP,
    refine: str = REFINE,
    extract: Extract = final_answer,
    name: str = "ask_refine_trust",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that refines the answers that are doubted, and trusts the better one.

    Where the asker comes to no decision, or the doubt is below the threshold, the first answer goes out and nothing more is
    asked. A refinement that comes to the same answer is not judged: the first stands. So it does where both scores are equal, where
    the refinement is empty, and where a budget ends. A first answer that calls a tool goes out at once.

    Args:
        model: a chat model or its string; it refines, and answers first where `initial` is not given.
        initial: what answers first: a model asked with `prompt`, or a strategy's graph with prompts of its own.
        asker: decides what is refined, a file of `refining/askers`; by default the model itself, asked in words.
        truster: decides between both answers, a file of `refining/trusters`; by default the model itself, in both orders.
        threshold: the doubt from which an answer is refined, from 0 (all that have a decision) to 1. It sets how much is refined: the
            paper's best share is about a third.
        retriever: LangChain's interface, from the question and the sub-questions to documents; their texts go into the refinement as
            facts (StrategyQA in the paper).
        prompt: template of the first answer with the place ``{question}``.
        refine: template with the places ``{question}``, ``{reply}`` and ``{hints}``.
        extract: reads the answers.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out; with the default parts 2 completions, or 5 where it refines.

    Raises:
        ModelError: the threshold is not between 0 and 1.
        PromptError: a template has other places.
    """
    if not 0 <= threshold <= 1:
        raise ModelError(
            f"threshold={threshold} is no probability. Give a number from 0 to 1; to refine everything or nothing take the askers "
            "`always` and `never`."
        )
    chat, starter = chat_model(model), chat_model(initial if initial is not None else model)
    refiner, of_graph = without_tools(chat), isinstance(starter, CompiledStateGraph)
    doubting, trusting = asker or zero_shot(model), truster or judge(model)
    check(prompt, "question")
    check(refine, "question", "reply", "hints")

    def answer_first(state: Refining):
        question = question_of(state)
        text = question if of_graph else fill(prompt, question=question)
        [reply] = yield ask(starter, turn(state, text), candidate=not of_graph)
        return {"first": candidate(reply, extract), "trusted": "first"}

    def doubt_it(state: Refining):
        try:
            found = yield from doubting(state, reply_of(state["first"]))
        except BudgetSpent:
            return {"questions": [], "doubt": None}
        return {"questions": found.questions, "doubt": found.refine}

    def refine_it(state: Refining):
        told = hints(state["questions"], state.get("facts") or [])
        text = fill(refine, question=question_of(state), reply=reply_of(state["first"]).text, hints=told)
        try:
            [reply] = yield ask(refiner, turn(state, text), candidate=True, refinement=True)
        except BudgetSpent:
            return {}
        return {"refined": candidate(reply, extract)} if reply.text.strip() else {}

    def trust_one(state: Refining):
        first, refined = reply_of(state["first"]), reply_of(state["refined"])  # type: ignore[typeddict-item]
        try:
            scores = yield from trusting(state, first, refined)
        except BudgetSpent:
            return {}
        return {"scores": list(scores), "trusted": "refined" if scores.refined > scores.first else "first"}

    def present(state: Refining):
        chosen = state["refined"] if state["trusted"] == "refined" else state["first"]  # type: ignore[typeddict-item]
        return conclude(reply_of(chosen), chosen["answer"])

    bodies = {"answer": answer_first, "doubt": doubt_it, "refine": refine_it, "trust": trust_one, "present": present}
    graph = _wired({name: step(body) for name, body in bodies.items()}, threshold, retriever)
    params = {"asker": doubting.name, "truster": trusting.name, "threshold": threshold}
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, **params)


def _wired(steps: dict[str, Runnable[Any, Any]], threshold: float, retriever: Runnable[str, Any] | None) -> Any:
    """The steps as a graph."""
    refine = "retrieve" if retriever else "refine"

    def after_doubt(state: Refining) -> str:
        doubt = state["doubt"]
        return "present" if doubt is None or doubt < threshold else refine

    graph: Any = StateGraph(Refining, input_schema=Question, output_schema=Answered)
    for name, one in steps.items():
        graph.add_node(name, one)
    if retriever:
        graph.add_node("retrieve", RunnableLambda(_asked_for) | retriever | RunnableLambda(_facts))
        graph.add_edge("retrieve", "refine")
    graph.add_edge(START, "answer")
    graph.add_conditional_edges("answer", _after_first, ["doubt", "present"])
    graph.add_conditional_edges("doubt", after_doubt, ["present", refine])
    graph.add_conditional_edges("refine", _after_refinement, ["trust", "present"])
    graph.add_edge("trust", "present")
    graph.add_edge("present", END)
    return graph


def _after_first(state: Refining) -> str:
    return "present" if reply_of(state["first"]).tool_calls else "doubt"


def _after_refinement(state: Refining) -> str:
    return "trust" if _differs(state) else "present"


def hints(questions: list[str], facts: list[str]) -> str:
    """What a refinement is told besides the question and the first answer."""
    told = [("Answer these sub-questions on the way:", questions), ("Facts:", facts)]
    return "".join(f"{title}\n" + "\n".join(f"- {one}" for one in some) + "\n\n" for title, some in told if some)


def _differs(state: Refining) -> bool:
    """Whether there is a refinement, with another answer than the first."""
    refined, first = state.get("refined"), state["first"]
    if refined is None:
        return False
    if refined["answer"] is None or first["answer"] is None:
        return reply_of(refined).text.strip() != reply_of(first).text.strip()
    return not same(refined["answer"], first["answer"])


def _asked_for(state: Refining) -> str:
    """What facts are looked for by."""
    return "\n".join([question_of(state), *state["questions"]])


def _facts(documents: Any) -> dict[str, list[str]]:
    return {"facts": [one.page_content for one in documents]}
