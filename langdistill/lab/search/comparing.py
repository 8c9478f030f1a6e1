"""What a problem of the search world comes to, searched and voted on, and what each cost.

Nobody here is given a gold answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables import Runnable

from langdistill.budgets import Budget, budget
from langdistill.nodes import node
from langdistill.search.choosing import majority, traces_of
from langdistill.search.evaluating import Evaluator
from langdistill.search.evaluators.value import value
from langdistill.search.masking import lines_of
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import Settings
from langdistill.search.tree_of_thoughts import create_tree_of_thoughts
from langdistill.strategies.best_of_n import create_best_of_n
from langdistill.strategies.self_consistency import create_self_consistency


class Cost(NamedTuple):
    """Of one problem."""

    completions: int
    read: int
    """Tokens of the prompts, each request's once."""
    generated: int

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.read + self.generated


class Searched(NamedTuple):
    """What a search came to."""

    answer: str | None
    """That of rStar."""
    by_majority: str | None
    """That of the generator alone: the largest sum of rewards."""
    found: tuple[str, ...]
    """Of all traces."""
    cost: Cost


class Voted(NamedTuple):
    """What another way of thinking came to."""

    answer: str | None
    cost: Cost


def searched(
    model: BaseChatModel, discriminator: BaseChatModel, question: str, settings: str | Settings, *, seed: int = 0
) -> Searched:
    """A search, with the answer that it would have come to without the second model."""
    graph = create_mutual_reasoning(model, discriminator, preset=settings, seed=seed)
    state, spent = asked(graph, question, "answer", "tree", "ended")
    traces = traces_of(state["tree"], state["ended"])
    leading = majority(traces)
    return Searched(
        state["answer"], leading.answer if leading else None, tuple(one.answer for one in traces), cost_of(spent)
    )


def voted(model: BaseChatModel, question: str, samples: int) -> Voted:
    """Self-consistency with so many samples."""
    state, spent = asked(create_self_consistency(model, samples=samples), question, "answer")
    return Voted(state["answer"], cost_of(spent))


def branched(model: BaseChatModel, question: str, evaluator: Evaluator) -> Voted:
    """Tree of Thoughts, with the paper's k and b."""
    state, spent = asked(create_tree_of_thoughts(model, evaluate=evaluator), question, "answer")
    return Voted(state["answer"], cost_of(spent))


def best_of(model: BaseChatModel, question: str, samples: int) -> Voted:
    """The best of so many samples, each judged by the same model as Tree of Thoughts has a state judged."""
    state, spent = asked(create_best_of_n(model, scorer(model), samples=samples), question, "answer")
    return Voted(state["answer"], cost_of(spent))


def scorer(model: BaseChatModel) -> Runnable[Any, Any]:
    """From a question and a reply to the mean of a model's judgements; below all of them where none can be read."""
    judge = value()

    def score(given: dict[str, str]):
        state = {"messages": [HumanMessage(given["question"])]}
        [told] = yield from judge(state, model, [lines_of([given["reply"]])])
        return told.total / told.read if told.read else -1.0

    return node(score)


def samples_for(tokens: int, like: Cost) -> int:
    """How many samples come nearest to so many tokens, if they are as long as those that were drawn; the prompt is read once."""
    return max(1, round((tokens - like.read) * like.completions / like.generated))


def cost_of(spent: Budget) -> Cost:
    """Of everything that was asked."""
    return Cost(spent.completions, sum(row["input_tokens"] for row in spent.ledger()), spent.tokens)


def asked(graph: Any, question: str, *keys: str) -> tuple[dict[str, Any], Budget]:
    """These keys of the state that a graph ends with, and what was spent on it."""
    with budget() as spent:
        state = graph.invoke({"messages": [("user", question)]}, output_keys=list(keys))
    return state, spent
