"""Branch-Solve-Merge as a judge of two responses.

Source: Saha et al., 2310.15123, section 3: branch into criteria, solve each, merge by summing the scores; both orders of the
responses must agree. Prompts in own wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from langdistill.answers import leading
from langdistill.asking import ask, chat_model, without_tools
from langdistill.budgets import BudgetSpent
from langdistill.errors import AnswerError
from langdistill.nodes import step
from langdistill.prompts import check, fill
from langdistill.questions import Answered, Question, Thinking, conclude, labelled, listed, question_of, said, turn

BRANCH = (
    "Two responses to the request below will be judged. Write up to {limit} criteria to judge them by, "
    'one a line, each as "title: description".\nRequest: {request}'
)
"""Sees the request only, never a response."""

SOLVE = (
    "Judge two responses to a request by one criterion.\nRequest: {request}\nResponse A: {first}\nResponse B: {second}\n"
    "Criterion: {criterion}\n"
    'Evaluate each response, then end with one line that reads "Scores: A=a B=b", each from 1 to 5.'
)
"""One criterion at a time, both responses."""

REFERENCE = "{request}"
"""Asks for a reference answer, where the judge is to have one."""

SCORES = re.compile(r"\bscores\s*:?\s*A\s*[=:]\s*([1-5])\b\W+B\s*[=:]\s*([1-5])\b", re.IGNORECASE)
NUMBERING = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s*")
PART = re.compile(
    r"^\W*(request|response a|response b)\W*:\s*(.*?)(?=^\W*(?:request|response a|response b)\W*:|\Z)",
    re.I | re.M | re.S,
)


class Pair(NamedTuple):
    """What is judged."""

    request: str
    a: str
    b: str


class Score(TypedDict):
    """What one solve call gave response A and response B of the user's question, whichever was shown first."""

    criterion: int
    swapped: bool
    a: int
    b: int


class Judging(Thinking):
    """State of the graph; `scores` lacks the calls that are `unread`."""

    criteria: list[str]
    reference: str
    scores: list[Score]
    unread: int
    """Solve calls that failed or could not be read."""


def create_branch_solve_merge(
    model: str | BaseChatModel,
    *,
    limit: int = 5,
    branch: str = BRANCH,
    solve: str = SOLVE,
    reference: str | None = None,
    parse: Callable[[str], Pair] | None = None,
    temperature: float | None = None,
    name: str = "branch_solve_merge",
    checkpointer: Any = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph that judges two responses: criteria from the request alone, each solved in both orders, scores summed.

    The criteria are made once and serve both orders, so a change of verdict measures the order and not the criteria. The
    verdict is A or B where both orders agree on it, else a tie. A criterion of which one order cannot be read leaves the
    sums of both. No criterion left: no answer.

    Args:
        model: a chat model or its string.
        limit: most criteria (the paper's branching factor is 5).
        branch: template with the places ``{request}`` and ``{limit}``.
        solve: template with the places ``{request}``, ``{first}``, ``{second}`` and ``{criterion}``.
        reference: template with the place ``{request}`` that asks for a reference answer first, which solve then sees below the
            request (`REFERENCE`: coding, reasoning and maths in the paper; one more completion); `None` judges without.
        parse: reads request and responses out of the question; `None` reads the labels "Request:", "Response A:" and
            "Response B:" at the start of a line.
        temperature: of every call; the model's own where `None` (the paper decodes greedily).
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` ("A", "B" or "tie") out; 1 + 2 x criteria completions.

    Raises:
        AnswerError: the question cannot be read as a pair.
        ModelError: the criteria came back empty.
        PromptError: a template has other places.
    """
    chat = without_tools(chat_model(model))
    read = parse or labelled_pair
    check(branch, "request", "limit")
    check(solve, "request", "first", "second", "criterion")
    check(reference or REFERENCE, "request")

    def find_criteria(state: Judging):
        pair = read(question_of(state))
        prompt = fill(branch, request=pair.request, limit=str(limit))
        asks = [ask(chat, turn(state, prompt), temperature=temperature)]
        if reference:
            asks.append(ask(chat, turn(state, fill(reference, request=pair.request)), temperature=temperature))
        replies = yield asks
        criteria = listed(_only(replies[0]), "branch", limit, NUMBERING)
        told = said(_only(replies[1]), "reference") if reference else ""
        return {"criteria": criteria, "reference": told}

    def solve_each(state: Judging):
        pair = read(question_of(state))
        if state["reference"]:
            pair = pair._replace(request=f"{pair.request}\nReference answer: {state['reference']}")
        grid = [(at, swapped) for at in range(len(state["criteria"])) for swapped in (False, True)]
        prompts = [_solve_prompt(solve, pair, state["criteria"][at], swapped) for at, swapped in grid]
        try:
            replies = yield [ask(chat, turn(state, prompt), temperature=temperature) for prompt in prompts]
        except BudgetSpent:
            replies = [[] for _ in grid]
        scored = [
            _score(at, swapped, found[0].text) for (at, swapped), found in zip(grid, replies, strict=True) if found
        ]
        read_ones = [score for score in scored if score]
        return {"scores": read_ones, "unread": len(grid) - len(read_ones)}

    def merge(state: Judging):
        decided = verdict(state["scores"])
        return conclude(AIMessage(decided or ""), decided)

    graph = StateGraph(Judging, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("branch", step(find_criteria)), ("solve", step(solve_each)), ("merge", step(merge))])
    graph.add_edge(START, "branch")
    return labelled(graph.compile(name=name, checkpointer=checkpointer), name, limit=limit)


def labelled_pair(question: str) -> Pair:
    """Request and both responses of a question that labels them.

    Raises:
        AnswerError: a label is missing.
    """
    parts = {label.casefold(): text.strip() for label, text in PART.findall(question)}
    missing = [label for label in ("request", "response a", "response b") if not parts.get(label)]
    if missing:
        raise AnswerError(
            f"The question to judge has no {' and no '.join(missing)!r} at the start of a line. "
            f'Label its parts "Request:", "Response A:", "Response B:", or give `parse`. Question: {question[:120]!r}'
        )
    return Pair(parts["request"], parts["response a"], parts["response b"])


def verdict(scores: list[Score]) -> str | None:
    """Sum the scores of each order over the criteria read in both, and reconcile the orders."""
    both = {score["criterion"] for score in scores if score["swapped"]} & {
        s["criterion"] for s in scores if not s["swapped"]
    }
    if not both:
        return None
    plain, swapped = (
        _lead([s for s in scores if s["criterion"] in both and s["swapped"] is order]) for order in (False, True)
    )
    return plain if plain == swapped else "tie"


def _lead(scores: list[Score]) -> str:
    return leading(sum(score["a"] for score in scores), sum(score["b"] for score in scores))


def _only(replies: list[AIMessage]) -> AIMessage:
    return replies[0] if replies else AIMessage("")


def _solve_prompt(template: str, pair: Pair, criterion: str, swapped: bool) -> str:
    first, second = (pair.b, pair.a) if swapped else (pair.a, pair.b)
    return fill(template, request=pair.request, first=first, second=second, criterion=criterion)


def _score(criterion: int, swapped: bool, reply: str) -> Score | None:
    """The scores at the end of a reply, mapped back to the original A and B."""
    found = SCORES.findall(reply)
    if not found:
        return None
    first, second = (int(score) for score in found[-1])
    a, b = (second, first) if swapped else (first, second)
    return Score(criterion=criterion, swapped=swapped, a=a, b=b)
