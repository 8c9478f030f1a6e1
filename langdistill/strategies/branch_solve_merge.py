"""Branch-Solve-Merge as a judge of two responses.

Source: Saha et al., 2310.15123, section 3: branch into criteria, solve each, merge by summing the scores; both orders of the
responses must agree. Prompts in own wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from langdistill.asking import ask, chat_model, node
from langdistill.errors import AnswerError
from langdistill.prompts import fill
from langdistill.questions import Answered, Question, Thinking, conclude, labelled, question_of, turn

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
    """State of the graph; `scores` lacks the calls whose reply could not be read."""

    criteria: list[str]
    scores: list[Score]


def create_branch_solve_merge(
    model: str | BaseChatModel,
    *,
    limit: int = 5,
    branch: str = BRANCH,
    solve: str = SOLVE,
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
        parse: reads request and responses out of the question; `None` reads the labels "Request:", "Response A:" and
            "Response B:" at the start of a line.
        temperature: of every call; the model's own where `None` (the paper decodes greedily).
        name: name of the graph, and the strategy's name in traces.
        checkpointer: LangGraph's; `None` inherits a parent's.

    Returns:
        A compiled graph: `messages` in, `messages` and `answer` ("A", "B" or "tie") out; 1 + 2 x criteria completions.
    """
    chat = chat_model(model)
    read = parse or labelled_pair

    def find_criteria(state: Judging):
        pair = read(question_of(state))
        prompt = fill(branch, request=pair.request, limit=str(limit))
        [reply] = yield ask(chat, turn(state, prompt), temperature=temperature)
        lines = [NUMBERING.sub("", line).strip() for line in reply.text.splitlines()]
        return {"criteria": [line for line in lines if line][:limit]}

    def solve_each(state: Judging):
        pair = read(question_of(state))
        grid = [(at, swapped) for at in range(len(state["criteria"])) for swapped in (False, True)]
        replies = yield [
            ask(chat, turn(state, _solve_prompt(solve, pair, state["criteria"][at], swapped)), temperature=temperature)
            for at, swapped in grid
        ]
        scored = [
            _score(at, swapped, found[0].text) for (at, swapped), found in zip(grid, replies, strict=True) if found
        ]
        return {"scores": [score for score in scored if score]}

    def merge(state: Judging):
        return conclude(verdict(state["scores"]))

    graph = StateGraph(Judging, input_schema=Question, output_schema=Answered)
    graph.add_sequence([("branch", node(find_criteria)), ("solve", node(solve_each)), ("merge", node(merge))])
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
    a, b = sum(score["a"] for score in scores), sum(score["b"] for score in scores)
    return "A" if a > b else "B" if b > a else "tie"


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
