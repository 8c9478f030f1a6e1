"""rStar: a small model searches over reasoning steps, and another one completes its traces; what both come to is trusted.

Source: Qi et al., 2408.06195. Neither model is trained, and no gold answer is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NotRequired

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langdistill.answers import Extract, final_answer, same
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.nodes import step
from langdistill.prompts import ANSWER_LINE, check, fill
from langdistill.questions import Answered, Question, Thinking, labelled, question_of, turn
from langdistill.records import SEARCHED
from langdistill.search.actions import so_far_told
from langdistill.search.choosing import Checked, Trace, choose, traces_of
from langdistill.search.expanding import Expander, together
from langdistill.search.masking import prefixes
from langdistill.search.rollouts import Rollouts
from langdistill.search.settings import Settings, find_preset
from langdistill.search.thoughts import Searched, thoughts_of, told_on_the_way
from langdistill.search.tree import stream

COMPLETE = "{question}\n\n{so_far}Go on from here, step by step to the end. " + ANSWER_LINE
"""What the discriminator is asked. Places: the question, and the beginning of a trace."""


class Searching(Thinking):
    """State of the graph."""

    tree: list[dict[str, Any]]
    """Nodes, each as of `records.Thought`."""
    ended: list[int]
    """The leaf of each rollout."""
    checked: list[list[int]]
    """Of each trace how many completions of it agree, and how many there are."""
    searched: NotRequired[Searched]
    """The tree with what the second model came to, and the leaf whose answer went out."""


def create_mutual_reasoning(
    model: str | BaseChatModel,
    discriminator: str | BaseChatModel | None = None,
    *,
    preset: str | Settings = "paper",
    seed: int = 0,
    complete: str = COMPLETE,
    extract: Extract = final_answer,
    name: str = "mutual_reasoning",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that searches for an answer and has it checked.

    Rollouts go on together, and what they need next is asked for together; two that need the same ask once. Of two traces that begin
    alike the second model completes the beginning in one request. With a checkpointer
    every reply is kept as it comes, and a search that was killed asks only for those that are missing. Where a budget ends, the answer
    is chosen from what was found; where no rollout found one, there is none.

    Args:
        model: a chat model or its string: the generator.
        discriminator: the second model; by default the first one, as in the paper's experiments with its smallest models.
        preset: "paper", "repo" (the authors' code as it is) or "ours", or `Settings`.
        seed: of every draw.
        complete: template of what the discriminator is asked, with the places ``{question}`` and ``{so_far}``.
        extract: reads the answers.
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` out.

    Raises:
        UnknownName: there is no such preset.
        PromptError: the template has other places.
    """
    settings = find_preset(preset)
    check(complete, "question", "so_far")
    expander = Expander(without_tools(chat_model(model)), settings, extract)
    second = without_tools(chat_model(discriminator if discriminator is not None else model))

    def search(state: Searching):
        rollouts = Rollouts(settings, seed)
        try:
            while wanted := rollouts.wanted():
                work = {index: expander.children(state, rollouts.tree, index) for index in wanted}
                rollouts.grow((yield from together(work)))
        except BudgetSpent:
            pass  # the answer is chosen from what was found
        return {"tree": thoughts_of(rollouts.tree), "ended": rollouts.ended}

    def verify(state: Searching):
        traces = traces_of(state["tree"], state["ended"])
        unchecked = {"checked": [[0, 0] for _ in traces]}
        if len({one.answer for one in traces}) < 2:
            return unchecked
        rng = stream(seed, -1)
        begun = [prefixes(one.lines, settings.prefixes, settings.mask, rng) for one in traces]
        question, places = question_of(state), Counter(so_far_told(lines) for some in begun for lines in some)
        asked = [
            ask(second, turn(state, fill(complete, question=question, so_far=one)), n=n, max_tokens=settings.max_tokens)
            for one, n in places.items()
        ]
        try:
            replies = yield asked
        except BudgetSpent:
            return unchecked
        drawn = {one: iter(some) for one, some in zip(places, replies, strict=True)}
        completed = [[next(drawn[so_far_told(lines)], None) for lines in some] for some in begun]
        return {"checked": [_agreed(one, some, extract) for one, some in zip(traces, completed, strict=True)]}

    def present(state: Searching):
        traces = traces_of(state["tree"], state["ended"])
        checked = [Checked(trace, *counts) for trace, counts in zip(traces, state["checked"], strict=True)]
        trace = choose(checked, agree=settings.agree, score=settings.score)
        said = trace.answer if trace else told_on_the_way(state["tree"], _end_of(state["tree"]))
        searched = Searched(thoughts=_verified(state["tree"], checked), chosen=trace.leaf if trace else None)
        return {"messages": [AIMessage(said)], "answer": trace.answer if trace else None, SEARCHED: searched}

    graph = StateGraph(Searching, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("search", step(search)), ("verify", step(verify)), ("present", step(present))])
    graph.add_edge(START, "search")
    params = {"rollouts": settings.rollouts, "depth": settings.depth, "score": settings.score, "seed": seed}
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, **params)


def _agreed(trace: Trace, replies: Sequence[AIMessage | None], extract: Extract) -> list[int]:
    """How many completions come to the trace's answer, and how many there are."""
    answers = [extract(reply.text) for reply in replies if reply]
    return [sum(answer is not None and same(answer, trace.answer) for answer in answers), len(answers)]


def _end_of(tree: list[dict[str, Any]]) -> int:
    """The end of the path that always goes to the most visited child."""
    at = 0
    while children := [index for index, one in enumerate(tree) if one["parent"] == at]:
        at = max(children, key=lambda index: tree[index]["visits"])
    return at


def _verified(tree: list[dict[str, Any]], checked: list[Checked]) -> list[dict[str, Any]]:
    """The tree with what the second model made of its leaves."""
    told = {one.trace.leaf: {"agreed": one.agreed, "completed": one.completed} for one in checked}
    return [one | told.get(at, {}) for at, one in enumerate(tree)]
