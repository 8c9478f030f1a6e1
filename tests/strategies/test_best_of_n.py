from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from langdistill import create_best_of_n
from langdistill.errors import ModelError

REPLIES = ["a\nAnswer: 1", "bbb\nAnswer: 2", "cc\nAnswer: 3"]


def longest(one: dict[str, str]) -> float:
    assert one["question"] == "2+2?"
    return len(one["reply"])


async def later(one: dict[str, str]) -> float:
    return longest(one)


@pytest.mark.parametrize("scorer", [longest, RunnableLambda(longest)])
def test_the_best_score_wins(saying: Any, asked: Any, scorer: Any) -> None:
    assert asked(create_best_of_n(saying(REPLIES), scorer, samples=3))["answer"] == "2"


def test_a_scorer_that_is_asynchronous(saying: Any) -> None:
    graph = create_best_of_n(saying(REPLIES), later, samples=3)
    output = asyncio.run(graph.ainvoke({"messages": [("user", "2+2?")]}, {"max_concurrency": 1}))
    assert output["answer"] == "2"


def test_equal_scores_go_to_the_first(saying: Any, asked: Any) -> None:
    assert asked(create_best_of_n(saying(REPLIES), lambda one: 0, samples=3))["answer"] == "1"


@pytest.mark.parametrize("score", [float("nan"), None, "high"])
def test_a_score_that_is_no_number(saying: Any, asked: Any, score: Any) -> None:
    with pytest.raises(ModelError, match="must give a number"):
        asked(create_best_of_n(saying(REPLIES), lambda one: score, samples=3))
