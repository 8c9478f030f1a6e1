"""The graph on real solutions comes to what the sweep says of them: four models' stored answers to GSM8K's test questions."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from langdistill.answers import number, same
from langdistill.evaluation.sweep import Point, sweep
from langdistill.refining.ask_refine_trust import create_ask_refine_trust
from langdistill.refining.askers.classifier import classifier
from langdistill.refining.trusters.ranker import ranker
from langdistill.testing.models import OneReplyChatModel

FIRST, SECOND = 2, 1
"""175b_finetuning answers, 6b_verification refines: models of about the same strength."""


def module(name: str) -> Any:
    """One of the benchmark's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        return importlib.import_module(name)


NAMES = ("solution_models", "solution_features", "solution_choosing", "solution_slips")
MODELS, FEATURES, CHOOSING, SLIPS = map(module, NAMES)


@pytest.fixture(scope="module")
def asked(data: Path) -> Any:
    return MODELS.read_solutions(data)


@pytest.fixture(scope="module")
def features(asked: Any) -> Any:
    return MODELS.surface_features(asked)


def test_the_stored_marks_are_how_the_package_reads_the_answers(asked: Any, data: Path) -> None:
    rows = [json.loads(line) for line in (data / "gsm8k/example_model_solutions.jsonl").read_text("utf-8").splitlines()]
    for one, row in zip(asked, rows, strict=True):
        gold = number(row["ground_truth"])
        assert tuple(same(said, gold) for said in one.answers) == one.right, one.question


def test_right_and_wrong_solutions_of_one_question_are_paired(asked: Any) -> None:
    found = MODELS.pairs(asked, range(len(asked)))
    assert len(asked) == 1319
    assert len(found) == len(set(found)) == 2429
    assert len({one.question for one in found}) == 731
    assert sum(any(one.right) for one in asked) == 887
    assert all(asked[at].right[good] and not asked[at].right[bad] for at, good, bad in found)


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_of_a_split_share_no_question(asked: Any, seed: int) -> None:
    parts = MODELS.split(len(asked), seed)
    questions = [{asked[at].question for at in part} for part in (parts.train, parts.validation, parts.test)]
    assert list(map(len, questions)) == [791, 198, 330]
    assert len(set.union(*questions)) == 1319
    assert questions != [{asked[at].question for at in part} for part in vars(MODELS.split(1319, seed + 1)).values()]


def test_ten_features_rank_better_than_chance_on_questions_that_they_were_not_learnt_on(
    asked: Any, features: Any
) -> None:
    assert features.shape == (1319, 4, 10)
    shares: list[float] = []
    for seed in range(5):
        parts = MODELS.split(len(asked), seed)
        ranked = MODELS.bradley_terry(features, asked, parts).scores(features)
        shares.append(MODELS.won(ranked, MODELS.pairs(asked, parts.test)))
        assert MODELS.won(-ranked, MODELS.pairs(asked, parts.test)) == pytest.approx(1 - shares[-1])
    assert min(shares) > 0.6


def test_the_graph_comes_to_what_the_sweep_says(asked: Any, features: Any) -> None:
    parts = MODELS.split(len(asked), 0)
    truster = MODELS.bradley_terry(features, asked, parts)
    asker = MODELS.logistic(features, asked, parts)
    told = asker.probabilities(features), truster.scores(features)
    known = sweep(CHOOSING.cases(asked, parts.validation, (FIRST, SECOND), *told)).recommended
    assert known.threshold is not None
    offline = sweep(CHOOSING.cases(asked, parts.test, (FIRST, SECOND), *told)).at(known.threshold)
    assert 0 < offline.refined < offline.problems == 330
    assert min(offline.wrong_to_right, offline.right_to_wrong) > 0

    rows = {asked[at].question: asked[at] for at in parts.test}
    refiner = OneReplyChatModel(script=lambda messages, _: rows[question_in(messages)].texts[SECOND])
    graph = create_ask_refine_trust(
        refiner,
        initial=OneReplyChatModel(script=lambda messages, _: rows[messages[-1].text].texts[FIRST]),
        asker=classifier(MODELS.reading(asker, FEATURES.surface, probable=True)),
        truster=ranker(MODELS.reading(truster, FEATURES.surface)),
        threshold=known.threshold,
        prompt="{question}",
        extract=number,
    )
    answers = [one["answer"] for one in graph.batch([{"messages": [("user", question)]} for question in rows])]
    outcomes = [right(one, answer) for one, answer in zip(rows.values(), answers, strict=True)]
    assert len(refiner.prompts) == offline.refined
    assert sum(outcomes) == offline.right
    assert changed(list(rows.values()), outcomes) == (offline.wrong_to_right, offline.right_to_wrong)
    assert_neither_always_nor_never(offline)


def test_a_slip_leaves_a_solution_that_holds_together_with_another_answer(data: Path) -> None:
    training, rng, copies = MODELS.read_training(data)[:200], Random(0), 0
    for one in training:
        text = SLIPS.slipped(one, rng)
        if text is not None:
            copies += 1
            copy = type(one)(one.question, text)
            assert copy.answer != one.answer
            assert len(copy.lines) == len(one.lines)
            assert sum(each.right for each in copy.calculations) >= sum(each.right for each in one.calculations)
    assert copies > 140


def question_in(messages: list[BaseMessage]) -> str:
    """Out of the refinement's prompt."""
    return messages[-1].text.removeprefix("Question: ").split("\n\nA first answer:\n")[0]


def right(one: Any, answer: str | None) -> bool:
    """By the stored marks: whether the answer is that of a solution that is right."""
    return any(good and same(answer, said) for good, said in zip(one.right, one.answers, strict=True))


def changed(rows: list[Any], outcomes: list[bool]) -> tuple[int, int]:
    """How many became right, and how many became wrong."""
    firsts = [one.right[FIRST] for one in rows]
    pairs = list(zip(firsts, outcomes, strict=True))
    return pairs.count((False, True)), pairs.count((True, False))


def assert_neither_always_nor_never(offline: Point) -> None:
    """Else the agreement would say little."""
    assert 0.05 < offline.rate < 0.99
