"""What rStar is to show where the errors are known: in the lab's search world, in which they differ from action to action.

Five worlds, in each sixteen problems; a difference is paired by problem, with its 95 % interval over the eighty.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from statistics import mean, stdev
from typing import Any, NamedTuple

import pytest

from langdistill.answers import same
from langdistill.evaluation.evaluate import Evaluation, evaluate
from langdistill.lab.search.comparing import Cost, Searched, Voted, samples_for, searched, voted
from langdistill.lab.search.reasoner import SampledChatModel, discriminator, generator, stumbles
from langdistill.lab.search.world import draw, story_in
from langdistill.search import (
    beam,
    choosing,
    evaluating,
    expanding,
    masking,
    mutual_reasoning,
    rollouts,
    tree,
    tree_of_thoughts,
)
from langdistill.search.evaluators import value, vote
from langdistill.search.mutual_reasoning import create_mutual_reasoning
from langdistill.search.settings import OURS, Settings

WORLDS, PROBLEMS = range(20, 25), 16
SMALL = replace(OURS, rollouts=6, prefixes=2)


class Row(NamedTuple):
    """One problem, and what every arm made of it."""

    question: str
    independent: Searched
    correlated: Searched
    equal_completions: Voted
    equal_tokens: Voted


def rows() -> Iterator[tuple[Row, str]]:
    for seed in WORLDS:
        drawn, first = draw(PROBLEMS, seed=seed), generator(seed)
        for problem in drawn.problems:
            second, alike = discriminator(seed), discriminator(seed, correlated=True)
            independent = searched(first, second, problem.question, OURS, seed=seed)
            votes = voted(first, problem.question, independent.cost.completions)
            tokens = voted(first, problem.question, samples_for(independent.cost.tokens, votes.cost))
            correlated = searched(first, alike, problem.question, OURS, seed=seed)
            yield Row(problem.question, independent, correlated, votes, tokens), drawn.gold[problem.id]


@pytest.fixture(scope="module")
def measured() -> list[tuple[Row, str]]:
    return list(rows())


@pytest.fixture(scope="module")
def right(measured: list[tuple[Row, str]]) -> dict[str, list[float]]:
    """Arm to whether it is right, problem by problem; gold is read here and nowhere else."""
    answers = {
        "independent": lambda one: one.independent.answer,
        "correlated": lambda one: one.correlated.answer,
        "majority": lambda one: one.independent.by_majority,
        "equal completions": lambda one: one.equal_completions.answer,
        "equal tokens": lambda one: one.equal_tokens.answer,
    }  # fmt: skip
    return {
        arm: [float(answer is not None and same(answer, gold)) for row, gold in measured for answer in [of(row)]]
        for arm, of in answers.items()
    }


def ahead(one: list[float], other: list[float]) -> tuple[float, float]:
    """The 95 % interval of the paired difference over the problems."""
    differences = [a - b for a, b in zip(one, other, strict=True)]
    half = 1.96 * stdev(differences) / len(differences) ** 0.5
    return mean(differences) - half, mean(differences) + half


def test_the_generators_majority_beats_self_consistency_at_equal_completions(
    measured: list[tuple[Row, str]], right: dict[str, list[float]]
) -> None:
    assert all(row.equal_completions.cost.completions == row.independent.cost.completions for row, _ in measured)
    low, _ = ahead(right["majority"], right["equal completions"])
    assert low > 0, "votes of one kind err alike; actions that err otherwise do not"


def test_a_discriminator_with_errors_of_its_own_beats_the_generators_majority(right: dict[str, list[float]]) -> None:
    low, _ = ahead(right["independent"], right["majority"])
    assert low > 0


def test_one_that_makes_the_same_errors_does_not(right: dict[str, list[float]]) -> None:
    low, high = ahead(right["correlated"], right["majority"])
    assert low <= 0, "not better"
    assert high < 0.1, "and not by much even at the upper end"
    assert ahead(right["independent"], right["correlated"])[0] > 0


def test_9_at_equal_tokens(measured: list[tuple[Row, str]], right: dict[str, list[float]]) -> None:
    searched_for = [row.independent.cost.tokens for row, _ in measured]
    voted_for = [row.equal_tokens.cost.tokens for row, _ in measured]
    assert voted_for == pytest.approx(searched_for, rel=0.15), "on each problem"
    assert mean(voted_for) == pytest.approx(mean(searched_for), rel=0.02)
    low, _ = ahead(right["independent"], right["equal tokens"])
    print(
        f"rStar {mean(right['independent']):.2f}, votes {mean(right['equal tokens']):.2f}, {mean(voted_for):.0f} tokens"
    )
    assert low > 0


def test_where_nothing_is_misread_votes_are_as_good(
    measured: list[tuple[Row, str]], right: dict[str, list[float]]
) -> None:
    """What the search is better at are the problems that the generator stumbles over; the others both get right."""
    well = [at for at, (row, _) in enumerate(measured) if not stumbles(row.question)]
    badly = [at for at in range(len(measured)) if at not in well]
    assert mean(right["equal completions"][at] for at in well) > 0.95
    assert mean(right["equal completions"][at] for at in badly) < 0.2
    assert mean(right["independent"][at] for at in badly) > 0.5


def test_a_wrong_answer_of_votes_is_the_misread_one(measured: list[tuple[Row, str]]) -> None:
    wrong = [(row, gold) for row, gold in measured if row.equal_completions.answer != gold]
    misread = [row.equal_completions.answer == str(story_in(row.question).ends_in(misread=True)) for row, _ in wrong]
    assert len(wrong) > 20
    assert mean(map(float, misread)) > 0.9


def poisoned(gold: Mapping[str, str]) -> tuple[Evaluation, list[list[str]]]:
    """A graph evaluated with some gold, and every prompt that either model was asked."""
    models = [generator(30), discriminator(30)]
    found = evaluate(create_mutual_reasoning(*models, preset=SMALL), draw(6, seed=30).problems, gold)
    return found, [sorted(message.text for prompt in one.prompts for message in prompt) for one in models]


def test_6_gold_changes_nothing_but_the_metric() -> None:
    gold = draw(6, seed=30).gold
    honest, asked = poisoned(gold)
    poison, asked_of_poison = poisoned({id: f"POISON {id}" for id in gold})
    assert all(asked)
    assert asked == asked_of_poison
    assert not any("POISON" in text for some in asked_of_poison for text in some)
    assert honest.answers == poison.answers
    assert honest.accuracy > 0
    assert poison.accuracy == 0


def test_6_gold_has_no_way_in() -> None:
    """No parameter of anything in the package takes one, and what a state keeps has no place for one."""
    searches: list[Any] = [mutual_reasoning, tree_of_thoughts, rollouts, beam]
    modules = [*searches, choosing, expanding, masking, tree, evaluating, value, vote]
    own = [one for at in modules for one in vars(at).values() if getattr(one, "__module__", "") == at.__name__]
    functions = [one for one in own if inspect.isfunction(one)]
    classes = [one for one in own if inspect.isclass(one)]
    functions += [method for one in classes for method in vars(one).values() if inspect.isfunction(method)]
    named = {name for one in functions for name in inspect.signature(one).parameters}
    named |= {name for one in classes for name in vars(one).get("__annotations__", {})}
    named |= {one.name for one in fields(Settings)}
    assert {"checked", "discriminator", "rollouts", "visits", "chosen"} <= named
    assert not [
        name for name in named if any(word in name for word in ("gold", "truth", "correct", "label", "reference"))
    ]


def test_one_seed_is_one_search_whichever_server() -> None:
    """Of a server that gives one reply to a request as of one that gives n: the same answers for the same completions."""
    question = draw(1, seed=40).problems[0].question
    pairs = [(generator(40, batched=one), discriminator(40, batched=one)) for one in (True, False)]
    one, other = (searched(*pair, question, SMALL) for pair in pairs)
    assert one._replace(cost=Cost(0, 0, 0)) == other._replace(cost=Cost(0, 0, 0))
    assert one.cost.completions == other.cost.completions
    assert requests(*pairs[0]) < requests(*pairs[1]) == other.cost.completions


def requests(*models: SampledChatModel) -> int:
    return sum(one.requests for one in models)
