"""Ways to spend completions on a question, beside one another: searches, and votes over whole solutions.

Whoever answers here is given no gold answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from zlib import crc32

from langchain_core.language_models import BaseChatModel

from langdistill.answers import same
from langdistill.asking import ask
from langdistill.budgets import Budget
from langdistill.lab.search.comparing import Cost, asked, samples_for
from langdistill.records import Record
from langdistill.search.choosing import majority, traces_of
from langdistill.search.evaluators.value import value
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import OURS, Settings
from langdistill.search.tree_of_thoughts import create_tree_of_thoughts
from langdistill.strategies.self_consistency import create_self_consistency
from langdistill.votes import fixed, leader

FREE = Cost(0, 0, 0)
LONGEST = 6
"""Steps of a chain."""
DEEP = replace(OURS, depth=8, at_once=16, last_votes=4, votes=4, stop=fixed, max_tokens=60, mask=(0.2, 0.7))
"""Chains of six steps need as many sub-questions: the depth that the paper takes for MATH. All rollouts go on together, and the votes of a
step are asked for at once: its prompt is longer than they are, and is read once so. A cut leaves a step of the chain to take: to say an answer that is worked out was not taught."""


class Models(NamedTuple):
    """Who is asked."""

    generator: BaseChatModel
    discriminator: BaseChatModel


class Outcome(Record):
    """What became of a question."""

    answer: str | None = None
    by_majority: str | None = None
    """That of a search without its second model."""
    found: tuple[str | None, ...] = ()
    """Of all traces, or of all samples in their order."""
    cost: Cost = FREE
    """Of the generator."""
    checking: Cost = FREE
    """Of the discriminator."""
    error: str | None = None


@dataclass(frozen=True)
class Search:
    """rStar, or what of its actions is switched on."""

    settings: Settings

    def run(self, models: Models, question: str, seed: int) -> Outcome:
        """A search, with the answer that it would have come to without the second model."""
        own = crc32(f"{seed}/{question}".encode())  # each question's rollouts have draws of their own
        graph = create_mutual_reasoning(*models, preset=self.settings, seed=own)
        state, spent = asked(graph, question, "answer", "tree", "ended")
        traces = traces_of(state["tree"], state["ended"])
        leading = majority(traces)
        return Outcome(
            answer=state["answer"],
            by_majority=leading.answer if leading else None,
            found=tuple(one.answer for one in traces),
            cost=_cost(spent, models.generator),
            checking=_cost(spent, models.discriminator),
        )


@dataclass(frozen=True)
class Branch:
    """Tree of Thoughts, each state valued alone by the model itself."""

    temperature: float

    def run(self, models: Models, question: str, seed: int) -> Outcome:
        """With the paper's k, b and temperature of judgements, and as many levels as the longest chain has steps."""
        evaluate = value(max_tokens=None)
        graph = create_tree_of_thoughts(
            models.generator,
            depth=LONGEST,
            evaluate=evaluate,
            temperature=self.temperature,
        )
        state, spent = asked(graph, question, "answer", "tree")
        found = tuple(one["answer"] for one in state["tree"] if one["answer"] is not None)
        return Outcome(answer=state["answer"], found=found, cost=_cost(spent, models.generator))


@dataclass(frozen=True)
class Vote:
    """Self-consistency."""

    samples: int
    temperature: float

    def run(self, models: Models, question: str, seed: int) -> Outcome:
        """Many samples: what fewer of them would have come to is read off by `voted`."""
        graph = create_self_consistency(models.generator, samples=self.samples, temperature=self.temperature)
        state, spent = asked(graph, question, "answer", "candidates")
        found = tuple(one["vote"] for one in state["candidates"])
        return Outcome(answer=state["answer"], found=found, cost=_cost(spent, models.generator))


def voted(outcome: Outcome, samples: int) -> Outcome:
    """What the first samples would have come to. Samples cost as much as they do on the average; the prompt is read once.

    Raises:
        ValueError: there are not so many.
    """
    if samples > len(outcome.found):
        raise ValueError(f"{samples} samples are wanted; {len(outcome.found)} were drawn. Draw more.")
    found = outcome.found[:samples]
    at, share = leader(found), samples / len(outcome.found)
    cost = Cost(samples, outcome.cost.read, round(outcome.cost.generated * share))
    return Outcome(answer=None if at is None else found[at], found=found, cost=cost)


def samples_at(votes: Sequence[Outcome], like: Sequence[Outcome]) -> int:
    """How many samples a question come nearest to the tokens of other outcomes, second models included; over all questions."""
    drawn = Cost(*(sum(some) for some in zip(*(one.cost for one in votes), strict=True)))
    tokens = sum(one.cost.tokens + one.checking.tokens for one in like)
    return max(1, round(samples_for(tokens, drawn) / len(votes)))


def any_right(outcome: Outcome, gold: str) -> bool:
    """Whether any trace comes to the right answer: what no choice among them can exceed."""
    return any(one is not None and same(one, gold) for one in outcome.found)


def _cost(spent: Budget, model: BaseChatModel) -> Cost:
    name = ask(model, "").model_name
    rows = [row for row in spent.ledger() if row["model"] == name]
    return Cost(*(sum(row[key] for row in rows) for key in ("completions", "input_tokens", "tokens")))
